"""Train the small BERT of the Attention Space on film reviews: words first, then opinions.

    python scripts/train_bert.py                     # checkpoints/bert-reviews and checkpoints/bert-reviews-pretrained
    python scripts/train_bert.py --quick --out build/quick
    accelerate launch scripts/train_bert.py          # the same on a GPU

Three stages; an interrupted run goes on where it stopped when the same command is given again:

1. ``pretrain``: masked-language modelling (Devlin et al. 2019) on IMDb reviews. Vocabulary logits are computed at
   masked positions only; they would dominate the cost otherwise. Saved as ``<name>-pretrained``.
2. ``reviews``: sentiment of IMDb passages; half of each batch keeps the masked-word task, so that both heads work.
3. ``sentences``: sentiment of SST-2 sentences, likewise. The step with the best SST-2 dev accuracy is saved, and
   its accuracy on the SST-2 test split reported.
"""

import argparse
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from safetensors.torch import load_file, save_file
from torch import nn
from tqdm import tqdm
from transformers import BertConfig, BertModel, BertTokenizerFast
from transformers.models.bert.modeling_bert import BertOnlyMLMHead

import data
from model_card import Card
from record import History, write_checkpoint_files
from reviews import PAD, Passages, batch, mask_words, tokenize, train_tokenizer

CHECKPOINTS = Path(__file__).resolve().parents[1] / "checkpoints"
TIED = "cls.predictions.decoder."
# Mostly short passages (visitors type sentences), some long ones so that all 512 positions are trained.
LENGTHS, LENGTH_SHARES = (64, 128, 512), (0.76, 0.18, 0.06)
HELD_OUT_REVIEWS = 2_500
QUICK = {"layers": 1, "width": 32, "vocabulary": 1000, "tokens": 512}  # sizes of a quick run
LOAD = """from transformers import AutoTokenizer, {reader}

tokenizer = AutoTokenizer.from_pretrained("checkpoints/{name}")
network = {reader}.from_pretrained("checkpoints/{name}", dtype="float32", attn_implementation="eager")"""
CARDS = {
    "bert-reviews": Card(
        title="bert-reviews: a small BERT that judges film reviews",
        what="A BERT of 4 layers x 4 heads, 128 wide, with a WordPiece vocabulary of 8,000 of its own: trained from "
        "nothing to guess hidden words of IMDb reviews, then to judge passages of reviews, then SST-2 sentences. "
        "One file holds the encoder and both heads: `BertForSequenceClassification` and `BertForMaskedLM` each "
        "read their part. Weights are stored as float16. It is the default network of the Attention Space.",
        limits="English film reviews only: on other texts its opinions mean little. SST-2's split negation (do n't) "
        "was joined to don't, in training and in testing. It saw 50,000 reviews; published BERT-Tiny, pretrained "
        "on far more text, reaches 83.2 % on SST-2.",
        load=LOAD.format(name="bert-reviews", reader="BertForSequenceClassification"),
        datasets=("stanfordnlp/imdb", "SetFit/sst2"),
    ),
    "bert-reviews-pretrained": Card(
        title="bert-reviews-pretrained: the same encoder before it learned opinions",
        what="The encoder of `bert-reviews` and its masked-word head as they were before sentiment training: what a "
        "comparison of attention before and after needs. Weights are stored as float16.",
        limits="A language model of film reviews and of nothing else; it has no sentiment head.",
        load=LOAD.format(name="bert-reviews-pretrained", reader="BertForMaskedLM"),
        datasets=("stanfordnlp/imdb", "SetFit/sst2"),
    ),
}


@dataclass(frozen=True)
class Stage:
    """One stage of training: steps, peak learning rate, dropout and evaluations."""

    name: str
    steps: int
    learning_rate: float
    dropout: float
    evaluations: int

    def rate(self, step: int) -> float:
        """Linear warm-up over 5 % of the steps, then a cosine to zero."""
        warm = max(1, self.steps // 20)
        progress = max(0.0, (step - warm) / max(1, self.steps - warm))
        return self.learning_rate * min(1.0, (step + 1) / warm) * 0.5 * (1 + math.cos(math.pi * progress))


class ReviewBert(nn.Module):
    """One encoder with two heads, under the parameter names of the transformers classes.

    ``BertForMaskedLM`` and ``BertForSequenceClassification`` each read their part of the one saved file.
    """

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.bert = BertModel(config)
        self.cls = BertOnlyMLMHead(config)
        self.cls.predictions.decoder.weight = self.bert.embeddings.word_embeddings.weight
        self.cls.predictions.decoder.bias = self.cls.predictions.bias
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.cls.apply(self.bert._init_weights)
        self.classifier.apply(self.bert._init_weights)

    def forward(
        self, ids: torch.Tensor, segments: torch.Tensor, selected: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Word logits (selected, vocabulary) at the ``selected`` places and class logits (batch, 2)."""
        hidden, pooled = self.bert(ids, (ids != PAD).long(), segments, return_dict=False)[:2]
        pooled = nn.functional.dropout(pooled, self.bert.config.classifier_dropout or 0.0, self.training)
        return self.cls(hidden[selected]), self.classifier(pooled)

    def set_dropout(self, probability: float) -> None:
        """Set every dropout of the encoder and of the sentiment head."""
        self.bert.config.classifier_dropout = probability
        for module in self.bert.modules():
            if isinstance(module, nn.Dropout):
                module.p = probability


@dataclass
class Corpus:
    """Everything the three stages read."""

    tokenizer: BertTokenizerFast
    reviews: Passages
    held_out: Passages
    sentences: dict[str, Passages]

    def batch(self, stage: Stage, step: int, seed: int, tokens: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The batch of one step, a function of its arguments alone, so that runs can be resumed."""
        rng = np.random.default_rng([seed, sum(map(ord, stage.name)), step])
        source = self.sentences["train"] if stage.name == "sentences" else self.reviews
        length = 64 if stage.name == "sentences" else int(rng.choice(LENGTHS, p=LENGTH_SHARES))
        count = 64 if stage.name == "sentences" else max(2, tokens // length)
        chosen = rng.integers(0, len(source.sentence_start), count)
        return batch(source, chosen, length, pairs=stage.name == "pretrain")


def load_corpus(folder: Path, vocabulary_size: int, quick: bool) -> Corpus:
    """Read IMDb and SST-2 and train the vocabulary, or read it from ``folder`` when a run is resumed."""
    count = 100 if quick else None
    reviews = data.imdb("train", count) + data.imdb("test", count)
    order = np.random.default_rng(0).permutation(len(reviews))
    reviews = [reviews[i] for i in order]
    held = len(reviews) // 10 if quick else HELD_OUT_REVIEWS
    sst2 = {split: data.sst2(split)[:count] for split in ("train", "dev", "test")}
    if (folder / "tokenizer.json").exists():
        tokenizer = BertTokenizerFast.from_pretrained(folder)
    else:
        texts = [text for text, _ in reviews[held:] + sst2["train"]]
        tokenizer = train_tokenizer(texts, vocabulary_size, folder)
    sentences = {split: tokenize_whole(rows, tokenizer) for split, rows in sst2.items()}
    return Corpus(tokenizer, tokenize(reviews[held:], tokenizer), tokenize(reviews[:held], tokenizer), sentences)


def tokenize_whole(rows: list[tuple[str, int]], tokenizer: BertTokenizerFast) -> Passages:
    """Tokenize texts as one passage each."""
    encoded = tokenizer([text for text, _ in rows], add_special_tokens=False)["input_ids"]
    ends = np.cumsum([len(ids) for ids in encoded])
    starts = np.concatenate([[0], ends[:-1]])
    return Passages(np.concatenate(encoded).astype(np.int16), starts, ends, np.array([label for _, label in rows]))


@torch.no_grad()
def masked_accuracy(model: ReviewBert, corpus: Corpus, batches: int = 8) -> dict[str, float]:
    """Loss and accuracy of hidden words on held-out reviews, the same words each time."""
    loss, right, count = 0.0, 0, 0
    for step in range(batches):
        rng = np.random.default_rng([1, step])
        chosen = rng.integers(0, len(corpus.held_out.sentence_start), 64)
        ids, segments, _ = batch(corpus.held_out, chosen, 64)
        corrupted, selected = mask_words(ids, rng, len(corpus.tokenizer))
        words, _ = model(*to_device(model, corrupted, segments, selected))
        target = torch.from_numpy(ids[selected]).to(words.device)
        loss += nn.functional.cross_entropy(words, target, reduction="sum").item()
        right += int((words.argmax(-1) == target).sum())
        count += len(target)
    return {"masked_loss": loss / count, "masked_accuracy": right / count}


@torch.no_grad()
def sentiment_accuracy(model: ReviewBert, passages: Passages, chosen: np.ndarray, length: int) -> float:
    """The share of ``chosen`` passages whose sentiment is recognised."""
    right = 0
    for start in range(0, len(chosen), 64):
        ids, segments, labels = batch(passages, chosen[start : start + 64], length)
        _, classes = model(*to_device(model, ids, segments, np.zeros(ids.shape, bool)))
        right += int((classes.argmax(-1).cpu().numpy() == labels).sum())
    return right / len(chosen)


def first_sentences(passages: Passages) -> np.ndarray:
    """Indices of the sentences that begin a text, one for each text."""
    return np.flatnonzero(np.concatenate([[True], passages.text_end[1:] != passages.text_end[:-1]]))


def evaluate(stage: Stage, model: ReviewBert, corpus: Corpus) -> dict[str, float]:
    """Validation metrics of one moment of ``stage``."""
    model.eval()
    row = masked_accuracy(model, corpus)
    if stage.name != "pretrain":
        dev = corpus.sentences["dev"]
        row["sst2_dev_accuracy"] = sentiment_accuracy(model, dev, np.arange(len(dev.label)), 128)
    return row


def to_device(model: nn.Module, *arrays: np.ndarray) -> list[torch.Tensor]:
    """The arrays as tensors beside the model's weights."""
    device = next(model.parameters()).device
    return [torch.from_numpy(array).to(device) for array in arrays]


def stage_loss(
    stage: Stage,
    model: nn.Module,
    arrays: tuple[np.ndarray, np.ndarray, np.ndarray],
    rng: np.random.Generator,
    size: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Masked-word loss and sentiment loss (zero while pretraining) of one batch."""
    ids, segments, labels = arrays
    corrupted, selected = mask_words(ids, rng, size)
    if stage.name != "pretrain":  # opinions need all words: hide them in every second text only
        corrupted[::2], selected[::2] = ids[::2], False
    words, classes = model(*to_device(model, corrupted, segments, selected))
    target, label = to_device(model, ids[selected], labels)
    sentiment = nn.functional.cross_entropy(classes, label) if stage.name != "pretrain" else classes.sum() * 0
    return nn.functional.cross_entropy(words, target), sentiment


def train_stage(
    stage: Stage, model: ReviewBert, corpus: Corpus, work: Path, args: argparse.Namespace, history: History
) -> None:
    """Run one stage to its end and leave its best weights in the model; resumes from ``work``."""
    accelerator = Accelerator()
    model.set_dropout(stage.dropout)
    optimizer = torch.optim.AdamW(model.parameters(), lr=stage.learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    wrapped, optimizer = accelerator.prepare(model, optimizer)
    state, best_file = work / stage.name, work / f"{stage.name}-best.safetensors"
    start = history.last_step(stage.name)
    if start:
        accelerator.load_state(str(state))
    every = max(1, stage.steps // stage.evaluations)
    losses: list[tuple[float, float, float]] = []
    for step in tqdm(range(start, stage.steps), initial=start, total=stage.steps, desc=stage.name, mininterval=10):
        began = time.perf_counter()
        wrapped.train()
        for group in optimizer.param_groups:
            group["lr"] = stage.rate(step)
        arrays = corpus.batch(stage, step, args.seed, args.tokens)
        rng = np.random.default_rng([args.seed, 1, step])
        masked, sentiment = stage_loss(stage, wrapped, arrays, rng, len(corpus.tokenizer))
        accelerator.backward(0.25 * masked + sentiment if stage.name != "pretrain" else masked)
        norm = float(accelerator.clip_grad_norm_(wrapped.parameters(), 1.0))
        optimizer.step()
        optimizer.zero_grad()
        losses.append((masked.item(), sentiment.item(), norm))
        history.seconds += time.perf_counter() - began
        if (step + 1) % every == 0 or step + 1 == stage.steps:
            means = dict(
                zip(("train_masked_loss", "train_sentiment_loss", "gradient_norm"), np.mean(losses, 0), strict=True)
            )
            losses.clear()
            row = evaluate(stage, model, corpus)
            history.add(stage=stage.name, step=step + 1, learning_rate=stage.rate(step), **means, **row)
            if history.is_best(stage.name, "sst2_dev_accuracy"):
                save_file(public_state(model, True), best_file)
            accelerator.save_state(str(state))
            history.save()
    if best_file.exists():
        model.load_state_dict(load_file(best_file), strict=False)


def public_state(
    model: ReviewBert, with_sentiment: bool, dtype: torch.dtype = torch.float32
) -> dict[str, torch.Tensor]:
    """The weights as the transformers classes name them, the tied vocabulary matrix once."""
    hidden = (TIED,) if with_sentiment else (TIED, "classifier.", "bert.pooler.")
    state = {k: v for k, v in model.state_dict().items() if not k.startswith(hidden)}
    return {k: v.detach().cpu().to(dtype).contiguous() for k, v in state.items()}


def save_checkpoint(model: ReviewBert, corpus: Corpus, folder: Path, with_sentiment: bool) -> None:
    """Write weights (float16), config and tokenizer as ``from_pretrained`` reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    state = public_state(model, with_sentiment, torch.float16)
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    config = model.bert.config
    config.architectures = ["BertForSequenceClassification" if with_sentiment else "BertForMaskedLM", "BertForMaskedLM"]
    config.id2label, config.label2id = {0: "negative", 1: "positive"}, {"negative": 0, "positive": 1}
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.1
    config.classifier_dropout = None
    config.save_pretrained(folder)
    corpus.tokenizer.save_pretrained(folder)


def stages(args: argparse.Namespace) -> list[Stage]:
    """The three stages of a full or a quick run."""
    if args.quick:
        return [
            Stage("pretrain", 4, 1e-3, 0.0, 2),
            Stage("reviews", 2, 3e-4, 0.1, 1),
            Stage("sentences", 2, 1e-4, 0.1, 1),
        ]
    return [
        Stage("pretrain", args.pretrain_steps, args.learning_rate, 0.0, 40),
        Stage("reviews", args.review_steps, 5e-4, 0.1, 12),
        Stage("sentences", args.sentence_steps, 1.5e-4, 0.1, 16),
    ]


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", default="bert-reviews")
    parser.add_argument("--out", type=Path, default=CHECKPOINTS)
    parser.add_argument("--work", type=Path, help="where a run keeps what it needs to resume (default: OUT/../runs)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--vocabulary", type=int, default=8000)
    parser.add_argument("--tokens", type=int, default=4096, help="tokens in a step")
    parser.add_argument("--learning-rate", type=float, default=1e-3, help="peak rate of pretraining")
    parser.add_argument("--pretrain-steps", type=int, default=8000)
    parser.add_argument("--review-steps", type=int, default=2400)
    parser.add_argument("--sentence-steps", type=int, default=640)
    parser.add_argument("--quick", action="store_true", help="a few steps of a tiny network, to see that all runs")
    if parser.parse_args().quick:
        parser.set_defaults(**QUICK)
    return parser.parse_args()


def main() -> None:
    """Train, measure and write both checkpoints."""
    args = parse_arguments()
    work = args.work or args.out.parent / "runs" / args.name
    torch.manual_seed(args.seed)
    corpus = load_corpus(work / "tokenizer", args.vocabulary, args.quick)
    config = BertConfig(
        vocab_size=len(corpus.tokenizer),
        hidden_size=args.width,
        num_hidden_layers=args.layers,
        num_attention_heads=args.heads,
        intermediate_size=4 * args.width,
        num_labels=2,
    )
    model = ReviewBert(config)
    history = History(work / "history.csv")
    pretrain, reviews, sentences = stages(args)

    train_stage(pretrain, model, corpus, work, args, history)
    before = masked_accuracy(model.eval(), corpus, 40)
    save_checkpoint(model, corpus, args.out / f"{args.name}-pretrained", with_sentiment=False)
    train_stage(reviews, model, corpus, work, args, history)
    held_out = sentiment_accuracy(model.eval(), corpus.held_out, first_sentences(corpus.held_out), 512)
    train_stage(sentences, model, corpus, work, args, history)
    save_checkpoint(model, corpus, args.out / args.name, with_sentiment=True)

    model.eval()
    accuracy = {
        f"sst2_{split}_accuracy": sentiment_accuracy(model, passages, np.arange(len(passages.label)), 128)
        for split, passages in corpus.sentences.items()
    }
    accuracy["imdb_held_out_accuracy_before_sst2"] = held_out
    texts = {"imdb train": corpus.reviews, "imdb held out": corpus.held_out}
    texts |= {f"sst2 {split}": passages for split, passages in corpus.sentences.items()}
    sizes = {name: len(first_sentences(passages)) for name, passages in texts.items()}
    shared = {"seed": args.seed, "parameters": sum(p.numel() for p in model.parameters()), "split_sizes": sizes}
    results = {
        f"{args.name}-pretrained": (history.only("pretrain"), before),
        args.name: (history, accuracy | masked_accuracy(model, corpus, 40)),
    }
    for name, (rows, metrics) in results.items():
        write_checkpoint_files(args.out / name, rows, {**shared, "metrics": metrics}, CARDS.get(name))


if __name__ == "__main__":
    main()
