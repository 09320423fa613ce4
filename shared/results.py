"""What an explanation is: frozen dataclasses of numpy arrays, shapes in the docstrings.

Layers, heads and tokens count from 0. N is the number of tokens, L of layers, H of heads.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Prediction:
    """What the network answers.

    ``task`` is "sentiment", "masked word", "next token" or "sentence vector" (networks without a head).
    ``labels`` (K,) and ``probabilities`` (K,) float32 are the K most probable answers, best first; both are empty
    for a sentence vector. ``target`` is the index of the explained answer in the network's output (the best one of
    the untouched text, kept fixed while heads or words are switched off), -1 for a sentence vector; ``answer`` is
    its label and ``probability`` its probability, in [0, 1], here. A sentence vector has the answer "sentence vector"
    and for probability its cosine similarity with that of the untouched text, at least 0.
    """

    task: str
    labels: tuple[str, ...]
    probabilities: np.ndarray
    target: int
    answer: str
    probability: float


@dataclass(frozen=True)
class Attention:
    """All attention of one forward pass.

    ``weights`` (L, H, N, N) float32: row = query, column = key, rows sum to 1. ``tokens`` (N,) as the tokenizer
    prints them, without its word markers. ``segments`` (N,) int8: 0 for sentence A, 1 for B. ``special`` (N,) bool:
    [CLS], [SEP] and the like. ``words`` (N,) int32: index of the word a token belongs to, -1 for special tokens.
    ``causal``: whether a token sees only itself and what came before. ``truncated``: tokens left out at the end.
    ``forward_seconds``: wall-clock time of the forward pass alone.
    """

    model: str
    weights: np.ndarray
    tokens: tuple[str, ...]
    segments: np.ndarray
    special: np.ndarray
    words: np.ndarray
    causal: bool
    truncated: int
    prediction: Prediction
    forward_seconds: float


@dataclass(frozen=True)
class HeadStatistics:
    """Numbers that describe every head; all arrays (L, H) float32 unless said otherwise.

    ``entropy``: mean over rows, nats; ``entropy_bound``: the mean of ln(visible keys) over rows, nats (one number);
    ``normalized_entropy`` in [0, 1] is their ratio. ``distance``: mean of |query - key| in tokens, weighted by
    attention. ``first_mass``: mean attention to token 0; ``separator_mass``: to all separator tokens;
    ``top1_mass``, ``top5_mass``: to the strongest 1 and 5 keys of each row. ``pattern_scores`` (P, L, H): the mean
    attention mass that fits each of the ``pattern_names`` (P,); ``pattern_floors`` (P,): the score of uniform
    attention. ``pattern`` (L, H) int8: index into ``pattern_names``, -1 where none fits well enough.
    """

    entropy: np.ndarray
    entropy_bound: float
    normalized_entropy: np.ndarray
    distance: np.ndarray
    first_mass: np.ndarray
    separator_mass: np.ndarray
    top1_mass: np.ndarray
    top5_mass: np.ndarray
    pattern_names: tuple[str, ...]
    pattern_scores: np.ndarray
    pattern_floors: np.ndarray
    pattern: np.ndarray


@dataclass(frozen=True)
class QueryKey:
    """How one head computes its attention.

    ``query`` and ``key`` (N, D) float32, after rotary embedding and normalization where the network has them;
    ``scores`` (N, N) float32 = ``scale`` * query . key, -inf where a key is hidden; ``attention`` (N, N) float32 is
    the network's own; ``error`` = max |softmax(scores) - attention|.
    """

    layer: int
    head: int
    query: np.ndarray
    key: np.ndarray
    scores: np.ndarray
    attention: np.ndarray
    scale: float
    error: float


@dataclass(frozen=True)
class HeadAblation:
    """The answer while single heads are switched off (their output set to zero).

    ``change`` (L, H) float32: probability of the baseline's answer with that head off, minus with all heads on, in
    [-1, 1]; for a sentence vector: minus (1 - cosine similarity), in [-2, 0].
    """

    baseline: Prediction
    change: np.ndarray


@dataclass(frozen=True)
class Occlusion:
    """The answer while single words are hidden.

    ``words`` (W,) and ``change`` (W,) float32, as in ``HeadAblation``. ``how`` says how a word was hidden.
    """

    baseline: Prediction
    words: tuple[str, ...]
    change: np.ndarray
    how: str


@dataclass(frozen=True)
class TokenFlow:
    """Three opinions on how much each word mattered, and how well they agree.

    ``words`` (W,); ``rollout``, ``gradient_attention``, ``occlusion`` (W,) float32, each non-negative with sum 1 (or
    all zero); ``correlation`` (3, 3) float32: Spearman rank correlation in that order, nan where undefined.
    """

    words: tuple[str, ...]
    rollout: np.ndarray
    gradient_attention: np.ndarray
    occlusion: np.ndarray
    correlation: np.ndarray


@dataclass(frozen=True)
class Saliency:
    """Which parts of a picture argued for an answer, as several methods see it.

    ``methods`` (M,) by name. ``signed`` (M, H, W) float32 at the size of the network's input: positive where the method
    sees an argument for the class, negative against it, each in its method's own unit; ``heatmap`` (M, H, W) float32
    in [0, 1] is the positive part by its peak, all zero where nothing is positive. ``target`` and ``against`` are
    indices of classes, ``against`` -1 where nothing is contrasted. ``probabilities`` (K,) float32 of all classes.
    ``layer`` names the stage that layered methods read, "" for a network without any.
    """

    methods: tuple[str, ...]
    signed: np.ndarray
    heatmap: np.ndarray
    target: int
    against: int
    probabilities: np.ndarray
    layer: str


@dataclass(frozen=True)
class Faithfulness:
    """What happens to a probability while the places that a map calls hot are taken away or put back.

    ``fractions`` (S,) in [0, 1] of the picture; ``deletion`` and ``insertion`` (S,) float32 probabilities with that
    fraction of hottest pixels blurred, or alone sharp; their areas ``deletion_auc`` (low is good) and
    ``insertion_auc`` (high is good) in [0, 1]. ``average_drop`` in [0, 1]: the share of the probability lost when only
    the heat is seen; ``increase``: whether the probability rises by that.
    """

    fractions: np.ndarray
    deletion: np.ndarray
    insertion: np.ndarray
    deletion_auc: float
    insertion_auc: float
    average_drop: float
    increase: bool

    @property
    def score(self) -> float:
        """Insertion minus deletion, in [-1, 1]; about 0 for a map that knows nothing."""
        return self.insertion_auc - self.deletion_auc


@dataclass(frozen=True)
class Trajectory:
    """How N pictures came out of noise in S steps; pictures lie in [-1, 1], black to white.

    ``x`` (S + 1, N, C, H, W) float32: the state before each step, and after the last. ``x0``, ``eps`` (S, N, C, H, W)
    float16: the picture that the network saw in it and the noise that it found. ``timesteps`` (S,) int64 noise levels,
    falling; ``alphas_cumprod`` (S,) float64 the share of the picture's variance at each. ``labels`` (N,) int64 wanted
    classes, -1 for any. ``seed`` of the noise.
    """

    x: np.ndarray
    x0: np.ndarray
    eps: np.ndarray
    timesteps: np.ndarray
    alphas_cumprod: np.ndarray
    labels: np.ndarray
    seed: int


@dataclass(frozen=True)
class Inversion:
    """A picture led back to the noise that draws it, and drawn from it again.

    ``steps`` each way; ``noise`` and ``decoded`` (C, H, W) float32; ``error``: the mean squared difference of picture
    and ``decoded``, both in [-1, 1].
    """

    steps: int
    noise: np.ndarray
    decoded: np.ndarray
    error: float


@dataclass(frozen=True)
class Points:
    """Labeled points of a plane, N of them in K classes, some held out to judge by.

    ``x`` (N, 2) float32 in the coordinates that networks see; in the units of its ``axes`` (two names) a coordinate is
    ``mean`` (2,) + ``scale`` (2,) times it. ``labels`` (N,) int64 in [0, K); ``validation`` (N,) bool marks what no
    training may touch. ``classes`` are K names, ``title`` says what the points are, and ``note``, a sentence or "",
    what was done to them.
    """

    title: str
    x: np.ndarray
    labels: np.ndarray
    validation: np.ndarray
    classes: tuple[str, ...]
    axes: tuple[str, str]
    mean: np.ndarray
    scale: np.ndarray
    note: str = ""


@dataclass(frozen=True)
class Line:
    """A straight line in the plane: ``weights`` (3,) float64, the points with w0 x + w1 y + b > 0 on its positive side.

    ``accuracy`` in [0, 1]: the share of the given points that lie on the side of their class.
    """

    weights: np.ndarray
    accuracy: float


@dataclass(frozen=True)
class Training:
    """A training with the weights that it went through; epoch 0 is the untrained network.

    ``epochs`` (F,) int64: the epochs whose ``weights`` (F, P) float32 are kept: of each linear layer in turn W
    (out, in) by rows, then b, batch norm folded in. ``gradients`` (F, L) float32: the root mean square of each layer's
    weight gradient in the epoch's last step, 0 before the first. ``loss`` and ``accuracy`` (E + 1, 2) float64: after
    each epoch, on training and validation points (NaN where there are none). ``stopped``: why it ended early, or "".
    """

    epochs: np.ndarray
    weights: np.ndarray
    gradients: np.ndarray
    loss: np.ndarray
    accuracy: np.ndarray
    stopped: str


@dataclass(frozen=True)
class Racer:
    """One of several ways to train, run with S seeds for E epochs.

    ``loss`` and ``accuracy`` (S, E + 1) float64 on validation points, or on the training points where there are none;
    NaN after a training was lost. ``to_target`` (S,) float64: the first epoch with the wanted accuracy, NaN for never.
    """

    name: str
    loss: np.ndarray
    accuracy: np.ndarray
    to_target: np.ndarray

    @property
    def lost(self) -> int:
        """How many of the trainings were lost."""
        return int(np.isnan(self.loss[:, -1]).sum())


@dataclass(frozen=True)
class WeightPath:
    """The way of an optimizer through weight space, seen from a plane; F moments of it.

    ``epochs`` (F,) int64. ``coordinates`` (F, 2): where each moment lies under or above the plane, (alpha, beta).
    ``loss`` (F,): of the weights themselves; ``plane_loss`` (F,): of the point of the plane that is nearest to them,
    ``distance`` (F,) away in weight space. ``arrows`` (F, 2): minus the gradient at the weights, as far as the plane
    holds it, in units of alpha and beta. ``accuracy`` (F,) in [0, 1]. ``explained``: the share of the squared distance
    from the trained weights that lies in the plane, NaN where nothing moved.
    """

    name: str
    epochs: np.ndarray
    coordinates: np.ndarray
    loss: np.ndarray
    plane_loss: np.ndarray
    distance: np.ndarray
    arrows: np.ndarray
    accuracy: np.ndarray
    explained: float


@dataclass(frozen=True)
class LossLandscape:
    """The loss over a plane through trained weights: ``loss`` (R, R) at ``beta[i]``, ``alpha[j]``; both (R,) rising.

    The trained weights lie at alpha = beta = 0, which is a point of the grid. NaN or infinite where a network left the
    numbers. ``axes``: what the two directions are; ``paths``: the ways of optimizers, the first to the trained weights.
    ``cosine`` in [-1, 1]: that of the angle between the directions, ``lengths`` (2,) theirs in weight space.
    """

    alpha: np.ndarray
    beta: np.ndarray
    loss: np.ndarray
    axes: tuple[str, str]
    paths: tuple[WeightPath, ...]
    cosine: float
    lengths: tuple[float, float]
