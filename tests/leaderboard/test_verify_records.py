"""Records: only a verifier's own count, only of exactly what was played, and none is left by a failure."""

import errno
import os
import shutil

import pytest
from submissions import play, rewrite

from ntm_leaderboard import cli
from ntm_leaderboard.board import submission, verify
from ntm_leaderboard.board.boards import results_in
from ntm_leaderboard.board.private_copy import copy_plain
from ntm_leaderboard.board.records import Verification, place, read_record
from ntm_leaderboard.results import Result

pytestmark = pytest.mark.usefixtures("short_ladder")


@pytest.fixture(scope="module")
def record(honest):
    return play(honest[0])


@pytest.fixture
def records(record, tmp_path):
    record.write(tmp_path / "records")
    return tmp_path / "records"


def statuses(folder, records=None):
    return [result.status for result in results_in(folder, records)]


def test_a_record_says_who_verified_what_with_what(record, records, packed):
    path = records / "copy" / "lstm" / "seed-0.json"
    assert path == place(records, record.result)
    assert read_record(records, packed[0], verify.check(packed[0])) == record
    assert record.verifier == "somebody"
    assert record.files.keys() == {"result.json", "config.json", "summary.json", "model.safetensors"}
    assert record.result.nonce == "e" * 64
    assert {"ntm-envs", "torch"} <= record.result.versions.keys()
    assert record.confined is None  # it has no code of its own
    assert statuses(packed[0], records) == ["verified"]
    assert statuses(packed[1], records) == ["self-reported"]


def test_nothing_that_came_with_a_submission_counts_as_a_record(packed, record, records, capsys):
    (packed[0] / "verified.json").write_text(record.result.model_dump_json(), encoding="utf-8")
    record.write(packed[0].parents[2])
    assert statuses(packed[0]) == ["self-reported"]
    assert cli.main(["verify", str(packed[0]), "--records", str(records)]) == 1
    printed = capsys.readouterr().out.replace("\n", "")
    assert "verified.json came with the submission, which cannot vouch for itself" in printed
    assert not list(records.rglob("*.json"))
    assert cli.main(["verify", str(packed[0]), "--records", str(packed[0] / "records")]) != 0
    assert "inside the submission" in capsys.readouterr().err
    with pytest.raises(ValueError, match=r"verified\.json is a record .* which a submission cannot bring"):
        submission.pack([packed[0]], packed[0].parents[3] / "again")


def test_a_result_that_calls_itself_verified_is_not_shown(packed):
    rewrite(packed[0] / "result.json", lambda result: result.update(status="verified", nonce="b" * 64))
    with pytest.raises(ValueError, match="status 'verified'; a result cannot vouch for itself"):
        results_in(packed[0])


@pytest.mark.parametrize("file", ["result.json", "config.json", "model.safetensors"])
def test_a_record_of_other_files_does_not_count(packed, records, file):
    with (packed[0] / file).open("ab") as changed:
        changed.write(b"\n")
    assert statuses(packed[0], records) == ["self-reported"]
    if file != "result.json":
        (packed[0] / file).unlink()
        assert statuses(packed[0], records) == ["self-reported"]


def test_a_record_needs_the_digests_of_all_that_was_played(packed, records):
    path = place(records, Result.read(packed[0] / "result.json"))
    rewrite(path, lambda record: record["files"].pop("model.safetensors"))
    assert statuses(packed[0], records) == ["self-reported"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 1}, "contradicts the result"),
        ({"status": "self-reported"}, "contradicts the result"),
        ({"nonce": "0" * 64}, "contradicts the result"),
        ({"surprise": 1}, "not a record of a verification"),
    ],
    ids=str,
)
def test_a_damaged_record_is_refused(packed, records, change, message):
    claimed = Result.read(packed[0] / "result.json")
    path = place(records, claimed)
    rewrite(path, lambda record: record["result"].update(change))
    with pytest.raises(ValueError, match=message):
        read_record(records, packed[0], claimed)


def test_a_record_is_read_and_written_through_no_link(packed, record, records, tmp_path):
    path, victim = place(records, record.result), tmp_path / "victim"
    path.rename(victim)
    before = victim.read_text(encoding="utf-8")
    path.symlink_to(victim)
    with pytest.raises(ValueError, match="is no plain file"):
        statuses(packed[0], records)
    record.model_copy(update={"verifier": "another"}).write(records)
    assert victim.read_text(encoding="utf-8") == before
    assert not path.is_symlink()


def test_a_verification_that_fails_leaves_no_record(packed, records, capsys, monkeypatch):
    def fail(*arguments, **options):
        assert not list(records.rglob("*.json"))  # it is gone before the model plays
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(verify, "verify", fail)
    assert cli.main(["verify", str(packed[0]), "--records", str(records)]) == 1
    assert "two lines" in capsys.readouterr().out
    assert not list(records.rglob("*.json"))


def test_a_refused_submission_deletes_no_record_of_other_files(packed, records):
    rewrite(packed[0] / "result.json", lambda result: result.update(hardware="another", status="doubted"))
    assert cli.main(["verify", str(packed[0]), "--records", str(records)]) == 1
    assert len(list(records.rglob("*.json"))) == 1


def test_a_submission_that_is_refused_before_it_is_copied_keeps_no_record(packed, records, capsys):
    folder, result = packed[0], Result.read(packed[0] / "result.json")
    assert read_record(records, folder, result)
    (folder / "notes").symlink_to(folder)
    assert cli.main(["verify", str(folder), "--records", str(records)]) == 1
    assert "notes is no plain file" in capsys.readouterr().out
    assert read_record(records, folder, result) is None


def test_no_record_is_written_without_a_folder_for_them(packed, tmp_path, capsys):
    before = sorted(tmp_path.rglob("*"))
    assert cli.main(["verify", str(packed[0])]) == 0
    assert "No record was written" in capsys.readouterr().out
    assert sorted(tmp_path.rglob("*")) == before


def test_a_record_is_of_the_files_that_were_there_before_the_model_was_loaded(packed, record, monkeypatch):
    class Exchanging(verify.Player):
        def __enter__(self):
            shutil.copy(packed[1] / "model.safetensors", packed[0])
            return super().__enter__()

    monkeypatch.setattr(verify, "Player", Exchanging)
    again = play(packed[0])
    assert again.files == record.files
    assert again.result.probe == record.result.probe


def test_a_record_that_cannot_be_written_is_told_from_a_refusal(
    packed, record, tmp_path, capsys, monkeypatch
):
    def full(path, data):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(verify, "verify", lambda *arguments, **options: record)
    monkeypatch.setattr("ntm_leaderboard.board.records.write_atomically", full)
    argv = ["verify", str(packed[0]), "--records", str(tmp_path / "records")]
    path = place(tmp_path / "records", record.result)
    assert cli.main(argv) == 1
    printed = capsys.readouterr().out
    assert "seed-0: verified, but not recorded" in printed
    assert f"cannot be written to {path} (No space left on device)" in printed.replace("\n", "")
    path.mkdir()  # known before anything is played
    assert cli.main(argv) == 1
    printed = capsys.readouterr().out
    assert "seed-0: not verified" in printed
    assert f"cannot be written to {path} (Is a directory)" in printed.replace("\n", "")


@pytest.mark.parametrize("command", ["show", "build", "replay"])
def test_a_folder_of_records_that_is_not_there_is_refused(packed, tmp_path, capsys, command):
    submission, nowhere, site = str(packed[0]), str(tmp_path / "nowhere"), str(tmp_path / "site")
    argv = ["leaderboard", command, "--results", submission, "--output", site]
    if command == "replay":
        argv = ["verify", submission, "--replay"]
    assert cli.main([*argv, "--records", nowhere]) != 0
    assert f"--records is {nowhere}, which is no folder" in capsys.readouterr().err.replace("\n", " ")
    assert not (tmp_path / "site").exists()


def test_what_is_played_is_what_was_checked(packed, record, tmp_path, capsys, monkeypatch):
    check = verify.check

    def exchange(folder, **options):
        claimed = check(folder, **options)
        shutil.copy(packed[1] / "model.safetensors", packed[0])
        return claimed

    monkeypatch.setattr(verify, "check", exchange)
    records = tmp_path / "records"
    assert cli.main(["verify", str(packed[0]), "--records", str(records)]) == 0
    written = Verification.model_validate_json(place(records, record.result).read_bytes())
    assert written.files == record.files
    assert written.result.probe == record.result.probe
    assert statuses(packed[0], records) == ["self-reported"]  # it is of the files that were there
    assert cli.main(["verify", str(packed[0])]) == 1
    assert f"{packed[0]}: the commitment of result.json is" in capsys.readouterr().out.replace("\n", "")


@pytest.mark.parametrize("kind", ["link", "pipe", "huge"])
def test_only_plain_files_of_a_possible_size_are_copied(packed, tmp_path, kind):
    path = packed[0] / "model.safetensors"
    path.unlink()
    if kind == "link":
        path.symlink_to("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.touch()
        os.truncate(path, 2**40)
    with pytest.raises(ValueError, match=r"safetensors (is no plain file|has 1,099,511,627,776 bytes)"):
        copy_plain(packed[0], tmp_path / "copy")


def nested(text):
    return '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}"


def twice(text):
    return text.replace("{", '{"seed": 0, "seed": 1,', 1)


def not_a_number(text):
    return text.replace("{", '{"surprise": NaN,', 1)


def infinite(text):
    return text.replace("{", '{"surprise": 1e999,', 1)


def endless(text):
    return text.replace("{", '{"surprise": ' + "9" * 5000 + ",", 1)


@pytest.mark.parametrize("file", ["result.json", "config.json", "summary.json"])
@pytest.mark.parametrize("harm", [nested, twice, not_a_number, infinite, endless], ids=lambda f: f.__name__)
def test_json_that_readers_may_understand_differently_is_refused_in_a_line(packed, file, harm, capsys):
    path = packed[0] / file
    path.write_text(harm(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"{file} (has too many levels|is no plain JSON)") as refusal:
        verify.check(packed[0])
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("file", ["result.json", "config.json", "summary.json", "model.safetensors"])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "huge"])
def test_what_is_no_plain_file_of_a_possible_size_is_refused_unopened(packed, file, kind):
    path = packed[0] / file
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        path.touch()
        os.truncate(path, 2**40)
    with pytest.raises(ValueError, match=rf"{file} (is no plain file|has 1,099,511,627,776 bytes)"):
        verify.check(packed[0])
