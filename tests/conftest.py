"""Toy text models with random weights, real ones where a Hub cache has them, and a running Space."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# What takes long goes first, so that no process is left alone with it in the end.
LONGEST = ("test_bench.py", "test_training_quick.py", "browser", "spaces")

SENTENCES = [
    "the cat sat on the mat because it was tired.",
    "a dog ran over the hill and the cat did not follow it!",
    "nothing in this playing field was good, but the actors were.",
]
BERT_SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 32,
    "max_position_embeddings": 64,
    "initializer_range": 0.3,
}
GPT2_SIZES = {
    "bos_token_id": 0,
    "eos_token_id": 0,
    "n_embd": 16,
    "n_layer": 3,
    "n_head": 4,
    "n_positions": 64,
    "initializer_range": 0.3,
}
LLAMA_SIZES = BERT_SIZES | {"num_key_value_heads": 2, "bos_token_id": 0, "eos_token_id": 0}


def pytest_collection_modifyitems(items):
    def place(item):
        part = item.path.relative_to(Path(__file__).parent).parts[0]
        return LONGEST.index(part) if part in LONGEST else len(LONGEST)

    items.sort(key=place)


@pytest.fixture(scope="session")
def word_pieces():
    """A WordPiece tokenizer with the special tokens of BERT."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import BertTokenizerFast

    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(SENTENCES, trainers.WordPieceTrainer(vocab_size=160, special_tokens=special))
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return BertTokenizerFast(tokenizer_object=tokenizer, model_max_length=48)


@pytest.fixture(scope="session")
def byte_pairs():
    """A byte-level BPE tokenizer like GPT-2's, which adds no special tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=["<end>"], initial_alphabet=alphabet)
    tokenizer.train_from_iterator(SENTENCES, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<end>", eos_token="<end>")


@pytest.fixture(scope="session")
def toy_bert(word_pieces):
    """A BERT with a sentiment head and a masked-word head around one encoder."""
    import transformers as t

    from shared.models.text import assemble

    config = t.BertConfig(vocab_size=len(word_pieces), num_labels=2, **BERT_SIZES)
    config.id2label = {0: "negative", 1: "positive"}
    sentiment, masked = seeded(t.BertForSequenceClassification, config), seeded(t.BertForMaskedLM, config)
    masked.bert = sentiment.bert
    masked.tie_weights()
    return assemble("toy-bert", {"sentiment": sentiment, "masked word": masked}, word_pieces)


@pytest.fixture(scope="session")
def toy_vectors(word_pieces):
    """A BERT without a head."""
    import transformers as t

    from shared.models.text import assemble

    config = t.BertConfig(vocab_size=len(word_pieces), **BERT_SIZES)
    return assemble("toy-vectors", {"sentence vector": seeded(t.BertModel, config)}, word_pieces)


@pytest.fixture(scope="session")
def toy_gpt2(byte_pairs):
    """A GPT-2."""
    import transformers as t

    from shared.models.text import assemble

    network = seeded(t.GPT2LMHeadModel, t.GPT2Config(vocab_size=len(byte_pairs), **GPT2_SIZES))
    return assemble("toy-gpt2", {"next token": network}, byte_pairs)


@pytest.fixture(scope="session")
def toy_llama(byte_pairs):
    """A Llama: rotary positions, and four heads that share two keys."""
    import transformers as t

    from shared.models.text import assemble

    network = seeded(t.LlamaForCausalLM, t.LlamaConfig(vocab_size=len(byte_pairs), **LLAMA_SIZES))
    return assemble("toy-llama", {"next token": network}, byte_pairs)


@pytest.fixture(params=["toy_bert", "toy_vectors", "toy_gpt2", "toy_llama"])
def toy(request):
    """Each of the toy models in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def minilm():
    """The real all-MiniLM-L6-v2, where it can be had."""
    return available("text", "sentence-transformers/all-MiniLM-L6-v2")


@pytest.fixture(scope="session")
def induction():
    """The trained attention-only network."""
    return available("text", "induction-2l")


@pytest.fixture(scope="session")
def mobilenet():
    """The real MobileNetV2, where it can be had."""
    return available("images", "mobilenet-v2")


@pytest.fixture(scope="session")
def garments():
    """The trained ddpm-fashion-mnist."""
    return available("diffusion", "ddpm-fashion-mnist")


def available(kind, name):
    """A model by the name that ``shared.models.<kind>`` knows, or a skip with the reason."""
    from shared.problems import Problem

    try:
        return import_module(f"shared.models.{kind}").load(name)
    except Problem as problem:
        pytest.skip(str(problem))


@pytest.fixture(scope="session")
def small_unet():
    """A function that makes a denoising network of few weights, the same in every run."""

    def make(channels=1, side=8, classes=0, **changes):
        import torch
        from diffusers import UNet2DModel

        torch.set_num_threads(1)
        torch.manual_seed(0)
        known = {"num_class_embeds": classes + 1} if classes else {}  # one more stands for any class
        return UNet2DModel(
            sample_size=side,
            in_channels=channels,
            out_channels=channels,
            block_out_channels=(8, 16),
            down_block_types=("DownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "UpBlock2D"),
            layers_per_block=1,
            norm_num_groups=4,
            **known,
            **changes,
        )

    return make


@pytest.fixture(scope="session")
def schedule():
    """The noise of Ho et al. 2020, as a scheduler of diffusers writes it down."""
    import json

    from diffusers import DDPMScheduler

    return json.loads(DDPMScheduler().to_json_string())


@pytest.fixture(scope="session")
def toy_colors(small_unet, schedule):
    """A diffusion model of colored pictures without classes."""
    from shared.models.diffusion import DiffusionModel

    network = small_unet(channels=3).eval().requires_grad_(False)
    return DiffusionModel("toy-colors", network, schedule, (), 1.0, None, ())


@pytest.fixture(scope="session")
def toy_garments(small_unet, schedule):
    """A diffusion model of gray pictures in three classes."""
    from shared.models.diffusion import DiffusionModel

    network = small_unet(classes=3).eval().requires_grad_(False)
    return DiffusionModel("toy-garments", network, schedule, ("Shirt", "Shoe", "Bag"), 2.0, None, ())


@pytest.fixture
def bowl():
    """A function that makes a weight space whose loss is exactly quadratic, with that formula and its Hessian."""
    return _bowl


def _bowl(seed=0, rows=20):
    """Linear regression of four inputs by least squares."""
    import numpy as np
    import torch

    from shared.explain.weight_space import WeightSpace

    random = torch.Generator().manual_seed(seed)
    inputs, wanted = torch.randn(rows, 4, generator=random), torch.randn(rows, generator=random)
    network = seeded(lambda _: torch.nn.Linear(4, 1), None)
    space = WeightSpace(network, inputs, wanted, lambda outputs, goal: (outputs[:, 0] - goal).square().mean())
    design = np.concatenate([inputs.double().numpy(), np.ones((rows, 1))], 1)
    target = wanted.double().numpy()

    def loss(theta):
        return float(np.mean((design @ np.asarray(theta, float) - target) ** 2))

    return space, loss, 2 * design.T @ design / rows


@pytest.fixture
def asked(monkeypatch):
    """A function that counts the forward passes of a network: the batch size of each, as they happen."""

    def count(network):
        batches, original = [], network.forward

        def forward(x, *more, **named):
            batches.append(len(x))
            return original(x, *more, **named)

        monkeypatch.setattr(network, "forward", forward)
        return batches

    return count


def seeded(network, config):
    """A network with random weights that are the same in every run."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    return network(config).eval()


@pytest.fixture
def attention_of():
    """A function that makes a results.Attention from weights and tokens alone."""
    return _attention_of


def _attention_of(weights, tokens, special=(), words=None, segments=None, causal=False):
    """``weights`` (L, H, N, N); ``special`` are indices."""
    import numpy as np

    from shared.results import Attention, Prediction

    count = len(tokens)
    marks = np.isin(np.arange(count), list(special))
    numbered = np.where(marks, -1, np.cumsum(~marks) - 1)
    return Attention(
        model="by hand",
        weights=np.asarray(weights, np.float32),
        tokens=tuple(tokens),
        segments=np.asarray(segments if segments is not None else np.zeros(count), np.int8),
        special=marks,
        words=np.asarray(words if words is not None else numbered, np.int32),
        causal=causal,
        truncated=0,
        prediction=Prediction("sentence vector", (), np.zeros(0, np.float32), -1, "", 1.0),
        forward_seconds=0.0,
    )


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def served(name, folder, **environment):
    """The address of the Space ``name``, started as a visitor would, from another working directory."""
    port = free_port()
    log = (folder / "log.txt").open("w")
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "spaces" / name / "app.py")],
        env={**os.environ, "GRADIO_SERVER_PORT": str(port), "PYTHONPATH": "", **environment},
        cwd=folder,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    address = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(1500):
            try:
                with urllib.request.urlopen(address, timeout=5):
                    break
            except OSError:
                assert process.poll() is None, Path(log.name).read_text()
                time.sleep(0.2)
        else:
            pytest.fail(f"the Space {name} does not answer: {Path(log.name).read_text()}")
        yield address
    finally:
        process.terminate()
        process.wait(20)
        log.close()


@pytest.fixture(scope="session")
def space(tmp_path_factory):
    """The Attention Space."""
    with served("attention", tmp_path_factory.mktemp("attention")) as address:
        yield address


@pytest.fixture(scope="session")
def grad_cam_space(tmp_path_factory):
    """The Grad-CAM Space."""
    with served("grad_cam", tmp_path_factory.mktemp("grad_cam")) as address:
        yield address


@pytest.fixture(scope="session")
def grad_cam_space_alone(tmp_path_factory):
    """The Grad-CAM Space on a machine that has nothing from the Hub and cannot reach it."""
    folder = tmp_path_factory.mktemp("grad_cam_alone")
    with served("grad_cam", folder, HF_HUB_CACHE=str(folder / "empty"), HF_HUB_OFFLINE="1") as address:
        yield address


@pytest.fixture(scope="session")
def decision_boundary_space(tmp_path_factory):
    """The Decision Boundary Space."""
    with served("decision_boundary", tmp_path_factory.mktemp("decision_boundary")) as address:
        yield address


@pytest.fixture(scope="session")
def loss_landscape_space(tmp_path_factory):
    """The Loss Landscape Space."""
    with served("loss_landscape", tmp_path_factory.mktemp("loss_landscape")) as address:
        yield address


@pytest.fixture(scope="session")
def denoising_space(tmp_path_factory):
    """The Denoising Space."""
    with served("denoising", tmp_path_factory.mktemp("denoising")) as address:
        yield address
