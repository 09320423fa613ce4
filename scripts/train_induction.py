"""Train the attention-only network whose heads have known jobs, on random symbols that repeat.

    python scripts/train_induction.py                     # checkpoints/induction-2l
    python scripts/train_induction.py --quick --out build/quick
    accelerate launch scripts/train_induction.py          # the same on a GPU

Each sequence begins with symbols that mean nothing and goes on with a few others, all different, that repeat. Where
they begin and how many they are (the period, 8-20) is random, so that no head can learn where to look by counting,
and that every place must know what came before it. Two layers solve it with an induction head (Olsson et al. 2022):
a head of layer 0 looks at the previous symbol, so a head of layer 1 can find "the symbol that followed this one
before". One layer cannot; its accuracy is measured beside it. The run takes a few minutes and starts anew each time.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
from torch import nn
from tqdm import tqdm
from transformers import PreTrainedTokenizerFast

from model_card import Card
from record import History, write_checkpoint_files
from shared.models.attention_only import AttentionOnly
from shared.models.recording import record

CHECKPOINTS = Path(__file__).resolve().parents[1] / "checkpoints"
SYMBOLS = "abcdefghijklmnopqrstuvwxyz012345"
PERIODS = (8, 20)
EVALUATIONS = 30
TEST_SEQUENCES = 1_000
CARDS = {
    "induction-2l": Card(
        title="induction-2l: two layers of attention that continue what repeats",
        what="An attention-only causal network of 2 layers x 4 heads, 64 wide, over 32 symbols (a-z and 0-5), trained "
        "on random symbols that repeat. Heads of layer 0 look at the previous symbol; with their help heads of layer 1 "
        "look at what followed the current symbol the last time, and predict that it follows again: induction heads "
        "(Olsson et al. 2022). It is the network of the Attention Space whose heads have known jobs.",
        limits="It knows one trick and no language. It reads at most 64 symbols; strings with a period outside 8-20, "
        "or in which a symbol occurs twice, were not trained.",
        load='from shared.models.text import load\n\nmodel = load("induction-2l")',
        library="pytorch",
    ),
}


@dataclass(frozen=True)
class Batch:
    """``ids`` (B, N) symbols; each row repeats with its ``period`` (B,) from its ``start`` (B,) on."""

    ids: torch.Tensor
    start: torch.Tensor
    period: torch.Tensor

    def to(self, device: torch.device) -> "Batch":
        """The same batch beside a network's weights."""
        return Batch(self.ids.to(device), self.start.to(device), self.period.to(device))

    def seen(self, shift: int = 0) -> torch.Tensor:
        """(B, N) bool: whether the symbol ``shift`` places later repeats an earlier one."""
        place = torch.arange(self.ids.shape[1], device=self.ids.device)
        return place + shift >= (self.start + self.period)[:, None]

    def answers(self) -> torch.Tensor:
        """(B, N, N) bool: the keys that followed an earlier copy of the query's symbol."""
        place = torch.arange(self.ids.shape[1], device=self.ids.device)
        back = place[:, None] + 1 - place
        period, start = self.period[:, None, None], self.start[:, None, None]
        return (back > 0) & (back % period == 0) & (place > start)


def repeated(rng: np.random.Generator, count: int, tokens: int) -> Batch:
    """``count`` rows of ``tokens`` symbols: some that mean nothing, then others, all different, again and again."""
    period = rng.integers(PERIODS[0], PERIODS[1] + 1, (count, 1))
    start = rng.integers(0, tokens - period) * rng.integers(0, 2, (count, 1))  # half the rows begin at once
    symbols = rng.permuted(np.tile(np.arange(len(SYMBOLS)), (count, 1)), axis=1)
    place = np.arange(tokens)
    others = rng.integers(period, len(SYMBOLS), (count, tokens))
    ids = np.take_along_axis(symbols, np.where(place < start, others, (place - start) % period), axis=1)
    return Batch(torch.from_numpy(ids), torch.from_numpy(start[:, 0]), torch.from_numpy(period[:, 0]))


def repeat_loss(model: nn.Module, batch: Batch) -> torch.Tensor:
    """Cross-entropy of the symbols that can be known: those that repeat earlier ones."""
    known = batch.seen(1)[:, :-1]
    return nn.functional.cross_entropy(model(batch.ids).logits[:, :-1][known], batch.ids[:, 1:][known])


@torch.no_grad()
def measure(model: nn.Module, batch: Batch) -> dict[str, float]:
    """Accuracy on repeated symbols, and the best head of the first and the last layer at the job it should have.

    ``previous_token``: mean attention to the symbol before. ``induction``: mean attention, from symbols that were
    seen before, to the symbols that followed their earlier copies.
    """
    model.eval()
    with record() as recorder:
        logits = model(batch.ids).logits
    known = batch.seen(1)[:, :-1]
    right = (logits.argmax(-1)[:, :-1] == batch.ids[:, 1:])[known].float().mean()
    mass = (recorder.weights[-1] * batch.answers()[:, None]).sum(-1)
    seen = batch.seen()[:, None]
    return {
        "repeat_accuracy": right.item(),
        "previous_token": recorder.weights[0].diagonal(-1, -2, -1).mean((0, 2)).max().item(),
        "induction": ((mass * seen).sum((0, 2)) / seen.sum()).max().item(),
    }


def train(layers: int, steps: int, args: argparse.Namespace, history: History) -> AttentionOnly:
    """Train a network of ``layers`` layers for ``steps`` steps."""
    torch.manual_seed(args.seed)
    rng = np.random.default_rng([args.seed, 0])
    held_out = repeated(np.random.default_rng([args.seed, 1]), 128, args.tokens)
    accelerator = Accelerator()
    network = AttentionOnly(len(SYMBOLS), args.width, layers, args.heads, args.tokens)
    optimizer = torch.optim.AdamW(network.parameters(), lr=args.learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, args.learning_rate, steps, pct_start=0.1, cycle_momentum=False
    )
    model, optimizer = accelerator.prepare(network, optimizer)
    held_out = held_out.to(accelerator.device)
    for step in tqdm(range(1, steps + 1), desc=f"{layers} layers", mininterval=2):
        began = time.perf_counter()
        model.train()
        loss = repeat_loss(model, repeated(rng, args.batch, args.tokens).to(accelerator.device))
        accelerator.backward(loss)
        norm = float(accelerator.clip_grad_norm_(model.parameters(), 1.0))
        rate = schedule.get_last_lr()[0]
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        history.seconds += time.perf_counter() - began
        if step % max(1, steps // EVALUATIONS) == 0:
            validation = repeat_loss(model.eval(), held_out).item()
            measured = {"train_loss": loss.item(), "validation_loss": validation, **measure(model, held_out)}
            history.add(stage=f"{layers} layers", step=step, learning_rate=rate, gradient_norm=norm, **measured)
    return network.cpu()


def tokenizer() -> PreTrainedTokenizerFast:
    """One token for each symbol; white space is dropped and capitals are read as small letters."""
    vocabulary = {symbol: index for index, symbol in enumerate(SYMBOLS)}
    symbols = Tokenizer(models.WordLevel(vocabulary, unk_token=SYMBOLS[0]))
    symbols.normalizer = normalizers.Lowercase()
    symbols.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(Regex("."), "isolated")]
    )
    return PreTrainedTokenizerFast(tokenizer_object=symbols)


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", default="induction-2l")
    parser.add_argument("--out", type=Path, default=CHECKPOINTS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=64, help="symbols in a sequence, the network's context")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--steps", type=int, default=1600)
    parser.add_argument("--quick", action="store_true", help="a few steps, to see that all of it runs")
    return parser.parse_args()


def main() -> None:
    """Train two layers and, for comparison, one; measure both on fresh sequences and write the checkpoint."""
    args = parse_arguments()
    steps, tested = (4, 50) if args.quick else (args.steps, TEST_SEQUENCES)
    folder = args.out / args.name
    history = History(folder / "history.csv")
    history.rows, history.seconds = [], 0.0
    network = train(2, steps, args, history)
    single = train(1, steps, args, History(folder / "unused.csv"))

    test = repeated(np.random.default_rng([args.seed, 2]), tested, args.tokens)
    metrics = measure(network, test)
    metrics["repeat_accuracy_of_one_layer"] = measure(single, test)["repeat_accuracy"]
    sizes = {"vocabulary": len(SYMBOLS), "width": args.width, "layers": 2, "heads": args.heads, "context": args.tokens}
    network.save_pretrained(folder, config={"architectures": ["AttentionOnly"], **sizes})
    tokenizer().save_pretrained(folder)
    measured = {"seed": args.seed, "parameters": sum(p.numel() for p in network.parameters()), "metrics": metrics}
    strings = f"random strings of {PERIODS[0]}-{PERIODS[1]} different symbols, repeated"
    data = f"{strings}; tested on {tested:,} fresh sequences"
    write_checkpoint_files(folder, history, {"dataset": data, **measured}, CARDS.get(args.name))
    print("  ".join(f"{name} {value:.3f}" for name, value in metrics.items()))


if __name__ == "__main__":
    main()
