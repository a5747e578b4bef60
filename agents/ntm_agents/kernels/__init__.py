"""Fused kernels: the results of machines' plain PyTorch, by test, in a fraction of the time.

The kernel of a machine is a package here. :mod:`ntm_agents.kernels.ntm` has two functions with the same
arguments, which the machine calls with tensors on a CPU, float32 or float64:

    from ntm_agents.kernels.ntm import Inputs, Jumps, Options, State, Weights, infer, recur

    result = recur(options, inputs, weights, state)  # differentiable, keeps the weightings of all steps
    result = infer(options, inputs, weights, state)  # without gradients, keeps the last weightings alone

    options = Options(write_heads=..., key_width=..., shift_width=..., ...)
    inputs = Inputs(preactivations, parameters)  # [T, B, G * C], [T, B, P]: shares of inputs and bias
    weights = Weights(recurrent, heads)  # [G * C, V] or, of an LSTM, [G * C, V + C]; [P, C]
    state = State(memory, weightings, reads, controller)  # [B, N, M], [B, H, N], [B, V], pair of [B, C] or ()

    result.features  # [T, B, V + C]: read vectors and output of the controller after each step
    result.weightings  # [T, B, H, N]; None from `infer`
    result.state  # State after the last step

A machine that jumps and counts passes one more argument, and gets its counters back:

    jumps = Jumps(gates, weight, counts, offers, counting)  # [T, B, R], [R, V], [B], [T, B], [G * C]
    recur(options, inputs, weights, state, jumps).counts  # [B]; None without jumps

The DNC has the package :mod:`ntm_agents.kernels.dnc`, whose functions are called alike:

    from ntm_agents.kernels.dnc import Inputs, Options, State, Weights, infer, recur

    options = Options(masking=..., deallocation=..., link_sharpening=..., epsilon=...)
    inputs = Inputs(preactivations, vectors)  # [T, B, G * C], [T, B, P]: shares of inputs and bias
    weights = Weights(recurrent, interface)  # [G * C, V (+ C)]; [P, C] or, with the last reads, [P, V + C]
    state = State(memory, weightings, usage, links, reads, controller)

The SAM has the package :mod:`ntm_agents.kernels.sam`. Its weightings are of the K slots that each head reads:

    from ntm_agents.kernels.sam import Inputs, Options, State, Weights, infer, recur

    weights = Weights(recurrent, interface, planes)  # planes: [L * J, M], of the index
    state = State(memory, weightings, slots, usage, tables, reads, controller)

The D-NTM has the package :mod:`ntm_agents.kernels.dntm`. The addresses of its slots are part of the state:

    from ntm_agents.kernels.dntm import Inputs, Options, State, Weights, infer, recur

    inputs = Inputs(preactivations, parameters, contents, soft)  # [T, B, W * D], bool [B]
    weights = Weights(recurrent, heads, rotation)  # rotation: [2, A / 2], from each address to the next
    state = State(memory, addresses, weightings, similarities, reads, controller)

The MANN has the package :mod:`ntm_agents.kernels.mann`:

    from ntm_agents.kernels.mann import Inputs, Options, State, Weights, infer, recur

    options = Options(write_first=..., usage_decay=..., epsilon=...)
    inputs = Inputs(preactivations, parameters)  # [T, B, G * C], [T, B, P]
    weights = Weights(recurrent, heads)  # [G * C, V (+ C)]; [P, C] or, with the last output, [P, 2 * C]
    state = State(memory, weightings, usage, reads, controller)

All of these compute a batch on one thread or several, with the same bytes:

    from ntm_agents.kernels.threads import set_num_threads

    set_num_threads(2)  # of this process

Of the Tape-RNN, writes and moves alone are compiled, a step at a time, on one thread:

    from ntm_agents.kernels.tape import write_and_move

    # cells [B, S, N, W], written [B, S, M], weights of A moves [B, S, A], their distances [B, A]
    cells, reads = write_and_move(cells, written, weights, distances)

All shapes, types and devices are checked before compiled code is called. `inputs.preactivations` is
overwritten. Projections of inputs, read-outs and penalties stay in PyTorch. Fields are described in
:mod:`ntm_agents.kernels.ntm.interface`, :mod:`ntm_agents.kernels.dnc.interface`,
:mod:`ntm_agents.kernels.sam.interface`, :mod:`ntm_agents.kernels.dntm.interface` and
:mod:`ntm_agents.kernels.mann.interface`.
"""
