"""What a saliency map explains: the logit of one class, or by how much it exceeds that of another."""

from dataclasses import dataclass

import torch

from shared.problems import Problem


@dataclass(frozen=True)
class Target:
    """Class ``index``, contrasted with class ``against`` where that is given."""

    index: int
    against: int | None = None

    def score(self, logits: torch.Tensor) -> torch.Tensor:
        """(B,) from logits (B, K): the logit, or the difference of both logits."""
        for index in (self.index, self.against):
            if index is not None and not 0 <= index < logits.shape[1]:
                raise Problem(f"There is no class {index}; choose one from 0 to {logits.shape[1] - 1}.")
        chosen = logits[:, self.index]
        return chosen if self.against is None else chosen - logits[:, self.against]

    def probability(self, logits: torch.Tensor) -> torch.Tensor:
        """(B,) in [0, 1]: the probability of the class, among all or among the two that are contrasted."""
        if self.against is None:
            return logits.softmax(1)[:, self.index]
        return self.score(logits).sigmoid()
