"""The xLSTM: a stack of blocks with an sLSTM or an mLSTM each.

Source: Beck et al., *xLSTM: Extended Long Short-Term Memory* (NeurIPS 2024, arXiv 2405.04517).

Shape letters: B batch, T time steps, I input channels, L logits, W width, H heads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, cast

from torch import Tensor, nn

from ntm_agents.options import Choices, Few, Positive, check_options, expect
from ntm_baselines.mlstm import MLSTMBlock, MLSTMState
from ntm_baselines.slstm import SLSTMBlock, SLSTMState

BLOCKS: dict[str, type[SLSTMBlock] | type[MLSTMBlock]] = {"slstm": SLSTMBlock, "mlstm": MLSTMBlock}


@dataclass(frozen=True, kw_only=True)
class XLSTMConfig:
    """Options of an xLSTM."""

    hidden_size: Annotated[Positive, Choices((32, 48, 56, 64))] = 64
    """Width W of the vectors between blocks."""
    blocks: tuple[Literal["slstm", "mlstm"], ...] = ("mlstm", "slstm")
    """Kind of each block, from the lowest up. sLSTMs alone have recurrent weights, which parity takes."""
    heads: Annotated[Few, Choices((1, 2, 4))] = 4
    """Number of heads H of each block."""
    conv_width: Positive = 4
    """Number of steps, the present one included, that a block's convolution sees."""

    def __post_init__(self) -> None:
        check_options(self)
        expect(len(self.blocks) > 0, "blocks", self.blocks, "at least one")
        whole = self.hidden_size % self.heads == 0
        expect(whole, "hidden_size", self.hidden_size, f"a multiple of heads = {self.heads}")


class XLSTM(nn.Module):
    """A stack of xLSTM blocks between a linear embedding and a linear read-out.

    Differences from the paper: initial biases of forget gates are spread evenly from 3 to 6, in an sLSTM over
    the cells of a head and in an mLSTM over the heads; other weights start as is usual in PyTorch. Forget
    gates are sigmoids (the paper: these or exponentials).

    Args:
        input_size: Number of input channels I.
        output_size: Number of logits L.
        **config: Options of `XLSTMConfig`.
    """

    Config: ClassVar[type[XLSTMConfig]] = XLSTMConfig

    def __init__(self, input_size: int, output_size: int, **config: Any) -> None:
        super().__init__()
        self.config = c = XLSTMConfig(**config)
        self.embedding = nn.Linear(input_size, c.hidden_size)
        self.blocks = nn.ModuleList(BLOCKS[kind](c.hidden_size, c.heads, c.conv_width) for kind in c.blocks)
        self.output = nn.Sequential(nn.LayerNorm(c.hidden_size), nn.Linear(c.hidden_size, output_size))

    def initial_state(self, batch_size: int, capacity: int) -> tuple[SLSTMState | MLSTMState, ...]:
        """Return the initial state of each block; the memory does not grow with the capacity."""
        blocks = cast("list[SLSTMBlock | MLSTMBlock]", list(self.blocks))
        return tuple(block.initial_state(batch_size) for block in blocks)

    def forward(
        self, inputs: Tensor, state: tuple[SLSTMState | MLSTMState, ...]
    ) -> tuple[Tensor, tuple[SLSTMState | MLSTMState, ...]]:
        """Return the logits ``[T, B, L]`` of inputs ``[T, B, I]`` and the state after them."""
        vectors, after = self.embedding(inputs).transpose(0, 1), []
        for block, own in zip(self.blocks, state, strict=True):
            vectors, own = block(vectors, own)
            after.append(own)
        return self.output(vectors).transpose(0, 1), tuple(after)
