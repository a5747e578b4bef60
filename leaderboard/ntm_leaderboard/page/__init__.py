"""The leaderboard as web pages: a folder that opens from a disk, and from any host of static files.

    build(Boards.read([Path("bench/classic")]), Path("site"))

writes `index.html`, which lists the suites, and a page for each, such as `classic.html`, with all of its
numbers. `page.css`, `page.js`, `vega.js`, which draws the charts, and pictures of machines at work lie beside
them. Pages load nothing from other hosts, and their tables can be read without JavaScript.

`site.py` writes the pages by the templates beside it, and `content.py` fills these. `charts.py` makes the
charts, `machines.py` the pictures, `commands.py` the commands that repeat runs, and `figures.py` the figure
of a bench.

Names of agents are other people's text: the templates escape all of it, and so does the embedded JSON.
"""

from ntm_leaderboard.page.site import build, serve

__all__ = ["build", "serve"]
