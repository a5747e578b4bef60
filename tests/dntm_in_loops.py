"""A D-NTM with soft addressing once more in NumPy, in loops, from the equations of its paper."""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.log1p(np.exp(x))


def cosine(one, other, epsilon):
    return one @ other / (np.linalg.norm(one) * np.linalg.norm(other) + epsilon)


def softmax(x):
    powers = np.exp(x - x.max())
    return powers / powers.sum()


def reference(model, inputs, slots):
    """Return the logits ``[T, L]`` of a sequence ``[T, I]``, and memory and weightings after it.

    The controller is a GRU of one layer.
    """
    c = model.config
    weights = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    address, width = c.address_width, c.address_width + c.memory_width
    memory = np.zeros((c.nop_slots + slots, width))
    for nop in range(c.nop_slots):
        memory[nop, :address] = weights["nop"][nop]
    for slot in range(slots):
        angles = weights["frequencies"] * slot
        memory[c.nop_slots + slot, :address] = np.concatenate([np.cos(angles), np.sin(angles)])
    heads = c.write_heads + c.read_heads
    finders = [head for head, found in enumerate(c.by_content) if found]
    average = np.zeros((heads, len(memory)))
    reads = np.concatenate([memory[c.nop_slots]] * c.read_heads)
    hidden, logits, seen_from = np.zeros(c.hidden_size), [], 0 if c.feedback == "slot" else address
    layer = "controller.layers.0."
    for observation in inputs:
        read = reads.reshape(c.read_heads, -1)[:, seen_from:].ravel()
        seen = weights["controller.inputs.weight"] @ observation + weights[layer + "weight"] @ (
            read[:0] if c.feedback == "none" else read
        )
        before = weights[layer + "recurrent"] @ hidden + weights[layer + "recurrent_bias"]
        seen += weights[layer + "bias"]
        (reset, keep, new), (of_reset, of_keep, of_new) = np.split(seen, 3), np.split(before, 3)
        reset, keep = sigmoid(reset + of_reset), sigmoid(keep + of_keep)
        hidden = (1 - keep) * np.tanh(new + reset * of_new) + keep * hidden
        values = weights["heads.weight"] @ hidden + weights["heads.bias"]
        direct = weights["inputs.weight"] @ observation
        size = width + 1 + c.lru + bool(c.follows)
        weightings = np.zeros((heads, len(memory)))
        for head in range(heads):
            key, strength, gate = (
                values[head * size : head * size + width],
                1 + softplus(values[head * size + width]),
                sigmoid(values[head * size + width + 1]) if c.lru else 0,
            )
            seen_by_key = address if head in finders else 0
            if head in finders:
                word = finders.index(head) * c.memory_width
                key = key + np.concatenate([np.zeros(address), direct[word : word + c.memory_width]])
            similar = np.array([cosine(slot[seen_by_key:], key[seen_by_key:], c.epsilon) for slot in memory])
            if c.follows and c.follows[head]:
                behind = np.zeros(address)
                start = (c.follows[head] - 1) * width
                pairs = reads[start : start + address].reshape(2, -1).T
                for i, (f, (x, y)) in enumerate(zip(weights["frequencies"], pairs, strict=True)):
                    behind[i] = x * np.cos(f) - y * np.sin(f)
                    behind[address // 2 + i] = y * np.cos(f) + x * np.sin(f)
                opened = sigmoid(values[(head + 1) * size - 1])
                near = np.array([cosine(slot[:address], behind, c.epsilon) for slot in memory])
                similar = opened * similar + (1 - opened) * near
            z = strength * similar
            weightings[head] = softmax(z - gate * average[head])
            average[head] = 0.1 * average[head] + 0.9 * z
            weightings[head, : c.nop_slots] = 0  # neither read nor written
        rest = values[heads * size :]
        erase, candidate = np.split(rest[: -c.write_heads], 2)
        erase = sigmoid(erase).reshape(c.write_heads, -1)
        candidate = candidate.reshape(c.write_heads, -1)
        alpha = sigmoid(rest[-c.write_heads :] + direct[-c.write_heads :])
        content = direct[len(finders) * c.memory_width : -c.write_heads].reshape(c.write_heads, -1)
        written = memory.copy()
        for slot in range(len(memory)):
            for head in range(c.write_heads):
                written[slot, address:] *= 1 - erase[head] * weightings[head, slot]
            for head in range(c.write_heads):
                new = np.maximum(candidate[head] + alpha[head] * content[head], 0)
                written[slot, address:] += weightings[head, slot] * new
        source = memory if c.order == "read_first" else written
        reads = np.concatenate([weightings[head] @ source for head in range(c.write_heads, heads)])
        memory = written
        read = reads.reshape(c.read_heads, -1)[:, seen_from:].ravel()
        logits.append(weights["output.weight"] @ np.concatenate([read, hidden]) + weights["output.bias"])
    return np.array(logits), memory, weightings
