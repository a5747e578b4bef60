"""Second definitions of the tasks on graphs: slow, in integers of Python, and with nothing in common."""

import functools
import itertools

from slow_keyed import DATA, FIXED, below, word

POINTS, DEGREES, NODES, EDGES, ORDER, CHOICES, SPAN = (use * 2**20 for use in range(7))


class Graph:
    """A graph as dictionaries.

    Attributes:
        places: Coordinates of the nodes, by index.
        labels: Labels of the nodes, by index.
        ends: Indices of the nodes at the ends of the edges of each node, the nearest first.
    """

    def __init__(self, key, nodes, out_degree, attempt=0):
        self.key, self.stride, start = key, out_degree[1], attempt * SPAN
        low, high = out_degree
        drawn = [word(key, start + POINTS + node) for node in range(nodes)]
        self.places = [(each >> 40, (each >> 16) % 2**24) for each in drawn]
        self.labels = distinct([NODES + node for node in range(nodes)], key)
        self.ends = []
        for node, (x, y) in enumerate(self.places):
            away = {
                other: (x - a) ** 2 + (y - b) ** 2
                for other, (a, b) in enumerate(self.places)
                if other != node
            }
            degree = low + below(key, start + DEGREES + node, high - low + 1)
            self.ends.append(sorted(away, key=lambda other: (away[other], other))[:degree])

    def edge_labels(self):
        """Return the labels of the edges of each node."""
        return [
            distinct([EDGES + node * self.stride + slot for slot in range(len(ends))], self.key)
            for node, ends in enumerate(self.ends)
        ]

    def shuffled(self):
        """Return all edges, as pairs of a node and a slot, in the order of the description."""
        edges = [(node, slot) for node, ends in enumerate(self.ends) for slot in range(len(ends))]
        return sorted(edges, key=lambda edge: word(self.key, ORDER + edge[0] * self.stride + edge[1]) >> 1)

    def triple(self, edge_labels, edge):
        node, slot = edge
        return self.labels[node], edge_labels[node][slot], self.labels[self.ends[node][slot]]


def distinct(indices, key, total=1000, domain=DATA):
    """Draw different numbers: each word takes one out of those that are left."""
    left = list(range(total))
    return [left.pop(below(key, index, len(left), domain)) for index in indices]


def steps_until(graph, start, end):
    """Return the length of the shortest path between two nodes, by their indices; None if there is none."""
    reached = {start}
    for steps in itertools.count():
        if end in reached:
            return steps
        wider = reached | {other for node in reached for other in graph.ends[node]}
        if wider == reached:
            return None
        reached = wider


def traversal(key, nodes, path, out_degree):
    """Return the inputs as (triple, phase, answer), and the targets as triples."""
    graph = Graph(key, nodes, out_degree)
    edge_labels = graph.edge_labels()
    shown = [graph.triple(edge_labels, edge) for edge in graph.shuffled()]
    node, walked = below(key, CHOICES, nodes), []
    for step in range(path):
        slot = below(key, CHOICES + 1 + step, len(graph.ends[node]))
        walked.append(graph.triple(edge_labels, (node, slot)))
        node = graph.ends[node][slot]
    query = [(walked[0][0] if i == 0 else -1, edge, -1) for i, (_, edge, _) in enumerate(walked)]
    phases = {0, len(shown), len(shown) + path}
    triples = shown + query + [(-1, -1, -1)] * path
    first = len(shown) + path
    return [(triple, t in phases, t >= first) for t, triple in enumerate(triples)], walked


@functools.cache
def relations():
    """Return the sequences of edges of all relations, by their labels."""
    found = [[label] for label in range(10)]
    for length in range(2, 6):
        numbers = distinct(range(length * 100, length * 100 + 100), 0, 10**length, FIXED)
        found += [[int(digit) for digit in f"{number:0{length}d}"] for number in numbers]
    return found


def inference(key, nodes, relation, out_degree, vocabulary=100):
    """Return the triples of the description, and those that complete the three queries."""
    graph = Graph(key, nodes, out_degree)
    known, answers = [[None] * len(ends) for ends in graph.ends], []
    for query in range(3):
        for attempt in range(16) if query else itertools.count():
            first = CHOICES + 2**18 * query + 8 * attempt
            node = start = below(key, first, nodes)
            if relation == 1:
                number = below(key, first + 1, 10)
            else:
                number = 10 + 100 * (relation - 2) + below(key, first + 1, vocabulary)
            trial = [list(own) for own in known]
            for step, label in enumerate(relations()[number]):
                own = trial[node]
                free = [slot for slot, there in enumerate(own) if there is None]
                if label not in own and not free:
                    break
                if label not in own:
                    own[free[below(key, first + 2 + step, len(free))]] = label
                node = graph.ends[node][own.index(label)]
            else:
                known = trial
                answers.append((graph.labels[start], number, graph.labels[node]))
                break
        else:
            answers.append(answers[0])
    for node, own in enumerate(known):
        left = sorted(set(range(10)) - set(own), key=lambda label: word(key, EDGES + 10 * node + label) >> 1)
        known[node] = [left.pop(0) if label is None else label for label in own]
    return [graph.triple(known, edge) for edge in graph.shuffled()], answers


def shortest_path(key, nodes, path, out_degree):
    """Return the graph, the triples of the description, and the indices of start and end."""
    wanted = min(path, nodes - min(out_degree[0], nodes - 1))

    def pairs(graph):
        """Return the pairs of nodes by the lengths of their paths, as far as these are wanted."""
        found = {}
        for start, end in itertools.product(range(nodes), repeat=2):
            steps = steps_until(graph, start, end)
            if steps is not None and steps <= wanted:
                found.setdefault(steps, []).append((start, end))
        return found

    drawn = (Graph(key, nodes, out_degree, attempt) for attempt in range(16))
    best = None
    for graph in drawn:
        found = pairs(graph)
        if best is None or max(found) > max(best[1]):
            best = graph, found
        if max(found) == wanted:
            break
    graph, found = best
    chosen = found[max(found)]
    start, end = chosen[below(key, CHOICES, len(chosen))]
    edge_labels = graph.edge_labels()
    return graph, [graph.triple(edge_labels, edge) for edge in graph.shuffled()], start, end
