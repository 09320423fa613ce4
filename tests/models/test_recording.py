"""Recording sees what an eager network computes, changes nothing and leaves nothing behind."""

import gc
import weakref
from threading import Thread

import pytest
import torch
import transformers as t

from shared.models.recording import make_visible, record

SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 32,
    "vocab_size": 50,
    "initializer_range": 0.3,
}
NETWORKS = {
    "bert": lambda: t.BertForSequenceClassification(t.BertConfig(**SIZES)),
    "distilbert": lambda: t.DistilBertForMaskedLM(
        t.DistilBertConfig(dim=16, n_layers=3, n_heads=4, hidden_dim=32, vocab_size=50, initializer_range=0.3)
    ),
    "roberta": lambda: t.RobertaForMaskedLM(t.RobertaConfig(**SIZES)),
    "electra": lambda: t.ElectraForMaskedLM(t.ElectraConfig(embedding_size=16, **SIZES)),
    "gpt2": lambda: t.GPT2LMHeadModel(
        t.GPT2Config(n_embd=16, n_layer=3, n_head=4, vocab_size=50, initializer_range=0.3, use_cache=False)
    ),
    "llama": lambda: t.LlamaForCausalLM(t.LlamaConfig(num_key_value_heads=2, use_cache=False, **SIZES)),
}
IDS = torch.tensor([[5, 9, 3, 9, 22, 7, 41], [8, 8, 30, 31, 4, 1, 1]])
MASK = torch.tensor([[1] * 7, [1] * 5 + [0] * 2])


@pytest.fixture(params=NETWORKS)
def network(request):
    torch.manual_seed(0)
    return NETWORKS[request.param]().eval()


def run(network, **options):
    with torch.no_grad():
        return network(input_ids=IDS, attention_mask=MASK, **options)


def test_equals_the_eager_network(network):
    network.set_attn_implementation("eager")
    eager = run(network, output_attentions=True)
    make_visible(network)
    with record(keep_query_key=True) as recorder:
        seen = run(network)
    assert (seen.logits - eager.logits)[MASK.bool() if eager.logits.ndim == 3 else ...].abs().max() < 3e-6
    assert recorder.layers == len(recorder.weights) == len(recorder.scales) == 3
    for own, theirs in zip(recorder.weights, eager.attentions, strict=True):
        assert own.shape == (2, 4, 7, 7)
        torch.testing.assert_close(own, theirs, atol=3e-6, rtol=0)
        torch.testing.assert_close(own.sum(-1), torch.ones(2, 4, 7), atol=1e-5, rtol=0)


def test_nothing_is_left_behind(network):
    make_visible(network)
    before = run(network).logits
    with record(heads_on=torch.zeros(1, 3, 4)) as recorder:
        changed = run(network).logits
    kept = weakref.ref(recorder.weights[0])
    del recorder
    gc.collect()
    assert kept() is None
    assert not torch.equal(changed, before)
    assert torch.equal(run(network).logits, before)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


def test_an_error_ends_the_recording(network):
    make_visible(network)
    before = run(network).logits
    with pytest.raises(RuntimeError, match="interrupted"), record(heads_on=torch.zeros(1, 3, 4)) as recorder:
        run(network)
        raise RuntimeError("interrupted")
    assert torch.equal(run(network).logits, before)
    assert recorder.layers == 3


def test_the_inner_recorder_sees_and_the_outer_goes_on():
    network = NETWORKS["bert"]().eval()
    make_visible(network)
    with record() as outer:
        with record() as inner:
            run(network)
        run(network)
    assert (outer.layers, inner.layers) == (3, 3)


def test_threads_have_their_own_recorder():
    network = NETWORKS["bert"]().eval()
    make_visible(network)
    with record() as recorder:
        thread = Thread(target=run, args=(network,))
        thread.start()
        thread.join()
    assert recorder.layers == 0


def test_weights_are_part_of_the_graph(network):
    make_visible(network)
    network.requires_grad_(False)
    with record(keep_graph=True) as recorder:
        answer = network(input_ids=IDS[:1], attention_mask=MASK[:1]).logits.flatten()[-1]
        gradients = torch.autograd.grad(answer, recorder.weights, allow_unused=True)
    assert gradients[0] is not None
    assert gradients[0].abs().max() > 0


def test_heads_can_be_halved_for_each_row_of_a_batch():
    network = NETWORKS["llama"]().eval()
    make_visible(network)
    heads_on = torch.ones(2, 3, 4)
    heads_on[1, 1, 2] = 0.5
    plain = run(network).logits
    with record(heads_on=heads_on, keep_weights=False) as recorder:
        found = run(network).logits
    assert recorder.weights == []
    torch.testing.assert_close(found[0], plain[0])
    assert (found[1] - plain[1]).abs().max() > 1e-4
