"""Loading text models: heads that share an encoder, and everything that is no text model."""

import json
import shutil

import pytest
import torch
import transformers as t
from safetensors.torch import load_file, save_file

from shared import checkpoints
from shared.explain.attention import attention
from shared.models import heads, text
from shared.models.encoding import encode
from shared.problems import Problem

load = text.load.__wrapped__  # without the shelf of models that are already loaded


@pytest.fixture
def house(tmp_path, monkeypatch):
    """An empty checkpoints folder."""
    monkeypatch.setattr(checkpoints, "CHECKPOINTS", tmp_path)
    return tmp_path


@pytest.fixture
def two_heads(house, toy_bert, word_pieces):
    """One float16 file that holds an encoder and both heads."""
    sentiment, masked = toy_bert.networks["sentiment"], toy_bert.networks["masked word"]
    state = {**masked.state_dict(), **sentiment.state_dict()}
    state = {key: value.half().contiguous() for key, value in state.items() if "decoder." not in key}
    folder = house / "two-heads"
    sentiment.config.save_pretrained(folder)
    word_pieces.save_pretrained(folder)
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    write_config(folder, architectures=["BertForSequenceClassification", "BertForMaskedLM"])
    return folder


def write_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_two_heads_share_one_encoder(two_heads, toy_bert):
    model = load("two-heads")
    assert model.tasks == ("sentiment", "masked word")
    sentiment, masked = model.networks.values()
    assert masked.bert is sentiment.bert
    assert masked.cls.predictions.decoder.weight is sentiment.bert.embeddings.word_embeddings.weight
    assert {parameter.dtype for parameter in masked.parameters()} == {torch.float32}
    assert not any(parameter.requires_grad for network in model.networks.values() for parameter in network.parameters())
    assert not sentiment.training
    for typed in ("the cat sat", "the [MASK] sat"):
        found, expected = (attention(each, encode(each, typed)) for each in (model, toy_bert))
        assert found.prediction.labels == expected.prediction.labels
        torch.testing.assert_close(torch.tensor(found.weights), torch.tensor(expected.weights), atol=5e-3, rtol=0)


def test_masked_words_alone_give_a_sentence_vector(two_heads):
    write_config(two_heads, architectures=["BertForMaskedLM", "BertForMaskedLM"])
    model = load("two-heads")
    assert model.tasks == ("sentence vector", "masked word")
    assert attention(model, encode(model, "the cat")).prediction.task == "sentence vector"
    assert len(attention(model, encode(model, "the [MASK]")).prediction.labels) == 5


def test_a_head_that_is_not_in_the_file_is_not_used(two_heads):
    state = load_file(two_heads / "model.safetensors")
    kept = {key: value.clone() for key, value in state.items() if not key.startswith("classifier")}
    save_file(kept, two_heads / "model.safetensors", metadata={"format": "pt"})
    assert "sentiment" not in load("two-heads").tasks


def test_a_decoder(house, toy_gpt2, byte_pairs):
    toy_gpt2.networks["next token"].save_pretrained(house / "decoder")
    byte_pairs.save_pretrained(house / "decoder")
    model = load("decoder")
    assert (model.causal, model.tasks, model.layers, model.heads) == (True, ("next token",), 3, 4)
    assert model.max_tokens == 64


def test_refusals(two_heads, house, monkeypatch):
    monkeypatch.setattr(heads, "_read", lambda *_: pytest.fail("weights were opened"))
    for changes, message in [
        ({"model_type": "vit", "architectures": ["ViTModel"]}, "no text model"),
        ({"model_type": "t5", "is_encoder_decoder": True}, "encoder and a decoder"),
        ({"auto_map": {"AutoModel": "code.Model"}}, "code of its own"),
    ]:
        shutil.copytree(two_heads, house / "refused")
        write_config(house / "refused", **changes)
        with pytest.raises(Problem, match=message):
            load("refused")
        shutil.rmtree(house / "refused")


def test_broken_files_are_a_problem(two_heads):
    (two_heads / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(Problem, match="could not be opened"):
        load("two-heads")


def test_a_missing_tokenizer_is_a_problem(two_heads):
    (two_heads / "tokenizer.json").unlink()
    (two_heads / "tokenizer_config.json").unlink()
    with pytest.raises(Problem, match="could not be opened"):
        load("two-heads")


def test_an_architecture_that_hides_its_attention(word_pieces):
    config = t.MPNetConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, vocab_size=len(word_pieces)
    )
    with pytest.raises(Problem, match="does not show its attention"):
        text.assemble("toy-mpnet", {"sentence vector": t.MPNetModel(config)}, word_pieces)


def test_transformers_keeps_quiet_and_speaks_again(two_heads, capfd):
    verbosity = t.logging.get_verbosity()
    load("two-heads")
    assert "UNEXPECTED" not in "".join(capfd.readouterr())
    assert t.logging.get_verbosity() == verbosity


def test_minilm(minilm):
    assert (minilm.layers, minilm.heads, minilm.max_tokens, minilm.causal) == (6, 12, 512, False)
    encoded = encode(minilm, "The bank raised its interest rates.")
    found = attention(minilm, encoded)
    network = t.BertModel.from_pretrained(
        checkpoints.folder(minilm.name), attn_implementation="eager", dtype=torch.float32
    )
    with torch.no_grad():
        expected = network(**encoded.inputs, output_attentions=True)
    torch.testing.assert_close(torch.tensor(found.weights), torch.cat(expected.attentions), atol=3e-6, rtol=0)


def test_induction(induction):
    assert (induction.layers, induction.causal, induction.tasks) == (2, True, ("next token",))
    assert induction.alphabet == "abcdefghijklmnopqrstuvwxyz012345"
