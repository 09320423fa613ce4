"""The sentences of the Attention Space: what a head does and how much that says, with the numbers in them."""

import numpy as np

from shared.results import Attention, HeadStatistics

PLACES = {
    "previous token": "on the previous token",
    "next token": "on the next token",
    "same token": "on the token itself",
    "first token": "on the first token",
    "separator": "on separator tokens",
    "punctuation": "on punctuation",
    "same word elsewhere": "on the same word elsewhere, where there is one",
    "induction": "on what followed this token last time, where it was seen before",
    "diagonal band": "on tokens at most two away",
    "block": "inside its own sentence",
    "hub column": "on one single token",
}


def percent(share: float) -> str:
    """A share as the pages print it."""
    return f"{100 * share:.0f} %"


def entropy_text(entropy: float, bound: float, tokens: int) -> str:
    """Entropy beside its bound."""
    return f"entropy {entropy:.2f} of at most {bound:.2f} nats ({tokens} token{'s' if tokens != 1 else ''})"


def strongest_link(weights: np.ndarray, attention: Attention) -> str:
    """The largest weight between two different ordinary tokens, in words; weights (N, N)."""
    usable = ~attention.special
    allowed = usable[:, None] & usable[None, :] & ~np.eye(len(usable), dtype=bool)
    if not allowed.any():
        return "there is no pair of ordinary tokens to link"
    row, column = np.unravel_index(np.argmax(np.where(allowed, weights, -1.0)), weights.shape)
    return (
        f"its strongest link is “{attention.tokens[row]}” → “{attention.tokens[column]}” ({weights[row, column]:.2f})"
    )


def head_finding(attention: Attention, statistics: HeadStatistics, layer: int, head: int) -> str:
    """One sentence on one head, with at least two numbers."""
    entropy = entropy_text(statistics.entropy[layer, head], statistics.entropy_bound, len(attention.tokens))
    index = int(statistics.pattern[layer, head])
    name = statistics.pattern_names[index] if index >= 0 else ""
    start = f"Head {head} of layer {layer}"
    if name == "broad":
        share = statistics.normalized_entropy[layer, head]
        return f"{start} spreads its attention almost evenly ({percent(share)} of the largest entropy): {entropy}."
    if name:
        score = statistics.pattern_scores[index, layer, head]
        return f"{start} puts {percent(score)} of its attention {PLACES[name]}; {entropy}."
    link = strongest_link(attention.weights[layer, head], attention)
    return f"{start} fits no named pattern; {link}; {entropy}."


def mean_finding(attention: Attention, weights: np.ndarray, entropy: float, bound: float, layer: int | None) -> str:
    """One sentence on an average of heads; weights (N, N)."""
    what = "The average of all heads" if layer is None else f"The average of layer {layer}"
    link = strongest_link(weights, attention)
    return f"{what}: {link}; {entropy_text(entropy, bound, len(attention.tokens))}."


def head_reading(attention: Attention, statistics: HeadStatistics, layer: int, head: int) -> str:
    """The numbers of one head read aloud: what they say, and whether they say much."""
    share = float(statistics.normalized_entropy[layer, head])
    entropy = entropy_text(statistics.entropy[layer, head], statistics.entropy_bound, len(attention.tokens))
    verdict = (
        "nearly uniform, so this head tells you little"
        if share >= 0.9
        else "spread out: single weights mean little, sums of many may mean something"
        if share >= 0.6
        else "focused on a few tokens"
        if share >= 0.25
        else "sharp: almost every token looks at one place"
    )
    return (
        f"Layer {layer}, head {head}: {entropy}: {verdict}. "
        f"The strongest key takes {percent(statistics.top1_mass[layer, head])} of a row, "
        f"the strongest five {percent(statistics.top5_mass[layer, head])}; "
        f"attention travels {statistics.distance[layer, head]:.1f} tokens on average; "
        f"the first token gets {percent(statistics.first_mass[layer, head])}, "
        f"separators {percent(statistics.separator_mass[layer, head])}."
    )


def summary(attention: Attention, statistics: HeadStatistics) -> str:
    """How many heads wear which name, for readers who cannot see the thumbnails."""
    counts = np.bincount(statistics.pattern.ravel() + 1, minlength=len(statistics.pattern_names) + 1)
    named = [f"{counts[i + 1]} {name}" for i, name in enumerate(statistics.pattern_names) if counts[i + 1]]
    return f"Patterns: {', '.join([*named, f'{counts[0]} without a name'])}."
