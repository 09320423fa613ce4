"""All parameters as one vector: its parts, the loss as a function of it, gradients and Hessians against autograd."""

import numpy as np
import pytest
import torch
from torch import nn

from shared.explain.weight_space import WeightSpace, mean_cross_entropy, parts_of, vector_of

torch.set_num_threads(1)
X, LABELS = torch.randn(12, 3, generator=torch.Generator().manual_seed(1)), torch.arange(12) % 3


class WithNorms(nn.Module):
    """Convolution, batch norm, group norm, layer norm: every kind of tensor there is."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.batch = nn.BatchNorm2d(4)
        self.group = nn.GroupNorm(2, 4)
        self.out = nn.Sequential(nn.Flatten(), nn.Linear(16, 3, bias=False), nn.LayerNorm(3))

    def forward(self, x):
        return self.out(torch.relu(self.group(self.batch(self.conv(x)))))


def tiny(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3))


def with_norms():
    torch.manual_seed(0)
    network = WithNorms()
    network.train()
    network(torch.randn(32, 1, 4, 4) * 3 + 1)  # its running statistics become those of something
    return network


def picture_space(network=None):
    torch.manual_seed(3)
    return WeightSpace(network or with_norms(), torch.randn(8, 1, 4, 4), torch.arange(8) % 3)


# ---- the vector -------------------------------------------------------------------------------------------------
def test_the_parts_follow_one_another_and_have_their_kinds():
    network = with_norms()
    parts = parts_of(network)
    assert {part.name: part.kind for part in parts} == {
        "conv.weight": "weights", "conv.bias": "bias", "batch.weight": "norm", "batch.bias": "norm",
        "group.weight": "norm", "group.bias": "norm", "out.1.weight": "weights", "out.2.weight": "norm",
        "out.2.bias": "norm",
    }  # fmt: skip
    ends = [0, *(part.place.stop for part in parts)]
    assert [part.place.start for part in parts] == ends[:-1] and ends[-1] == len(vector_of(network))
    for part, (name, parameter) in zip(parts, network.named_parameters(), strict=True):
        assert part.name == name and part.shape == tuple(parameter.shape)
        np.testing.assert_array_equal(vector_of(network)[part.place], parameter.detach().flatten())


def test_the_parameters_are_views_of_one_vector():
    space = WeightSpace(tiny(), X, LABELS)
    assert space.size == 31 and not space.network.training
    wanted = torch.randn(space.size)
    space.flat.copy_(wanted)
    np.testing.assert_array_equal(vector_of(space.network), wanted)
    np.testing.assert_array_equal(space.origin, vector_of(tiny()))


def test_the_loss_of_given_weights_is_that_of_a_network_with_them():
    other = tiny(7)
    space = WeightSpace(tiny(), X, LABELS)
    theta = vector_of(other)
    outputs = other(X).detach()
    torch.testing.assert_close(space.outputs(theta), outputs)
    loss, accuracy = space.measure(theta)
    shares = np.exp(outputs.numpy().astype(float))
    shares /= shares.sum(1, keepdims=True)
    assert loss == pytest.approx(-np.log(shares[np.arange(12), LABELS]).mean(), rel=1e-6)
    assert accuracy == pytest.approx((shares.argmax(1) == LABELS.numpy()).mean())
    torch.testing.assert_close(space.outputs(theta, X[:2]), outputs[:2])
    assert float(mean_cross_entropy(outputs, LABELS)) == pytest.approx(loss)


def test_the_given_network_is_left_alone():
    network = with_norms()
    for number, parameter in enumerate(network.parameters()):
        parameter.requires_grad_(number % 2 == 0)
    flags = [parameter.requires_grad for parameter in network.parameters()]
    state = {name: value.clone() for name, value in network.state_dict().items()}
    space = picture_space(network)
    theta = torch.randn(space.size)
    space.outputs(theta)
    space.gradient(theta)
    space.hessian_product(theta)(theta)
    space.use_buffers({name: value + 1 for name, value in space.buffers.items()})
    with pytest.raises(RuntimeError):
        space.outputs(theta[:-1])
    with pytest.raises(RuntimeError):
        space.outputs(theta, torch.zeros(2, 7, 4, 4))
    assert network.training and [parameter.requires_grad for parameter in network.parameters()] == flags
    assert all(parameter.grad is None for parameter in network.parameters())
    for name, value in network.state_dict().items():
        np.testing.assert_array_equal(value, state[name], err_msg=name)


def test_two_spaces_of_one_network_do_not_share():
    network = tiny()
    one, two = WeightSpace(network, X, LABELS), WeightSpace(network, X, LABELS)
    one.outputs(torch.zeros(31))
    np.testing.assert_array_equal(two.flat, vector_of(network))
    again = WeightSpace(one.network, X, LABELS)  # of a network whose parameters are views
    again.outputs(torch.ones(31))
    assert not one.flat.any()


# ---- batch norm -------------------------------------------------------------------------------------------------
def test_the_buffers_of_another_moment_are_used_and_given_back():
    space = picture_space()
    theta = space.origin
    trained = space.measure(theta)[0]
    mean, variance = torch.tensor([1.0, -2.0, 0.5, 0.0]), torch.tensor([4.0, 0.25, 1.0, 9.0])
    other = {**space.buffers, "batch.running_mean": mean, "batch.running_var": variance}
    space.use_buffers(other)
    body = with_norms().eval()
    body.batch.running_mean.copy_(mean)
    body.batch.running_var.copy_(variance)
    expected = nn.functional.cross_entropy(body(space.inputs), space.labels).item()
    assert space.measure(theta)[0] == pytest.approx(expected, rel=1e-6)
    assert abs(expected - trained) > 1e-3, "it makes a difference"
    space.use_buffers(None)
    assert space.measure(theta)[0] == trained
    for _ in range(3):  # evaluation mode: statistics are used, not gathered
        space.measure(theta)
    for name, value in space.network.named_buffers():
        np.testing.assert_array_equal(value, space.buffers[name], err_msg=name)


# ---- derivatives ------------------------------------------------------------------------------------------------
def function_of(network, x, labels):
    """The loss as a function of the flat vector, by functional_call: another way than the library's."""
    shapes = [(name, parameter.shape) for name, parameter in network.named_parameters()]

    def loss(theta):
        pieces = theta.split([shape.numel() for _, shape in shapes])
        values = {name: piece.view(shape) for (name, shape), piece in zip(shapes, pieces, strict=True)}
        return nn.functional.cross_entropy(torch.func.functional_call(network, values, (x,)), labels)

    return loss


def test_the_gradient_is_that_of_autograd():
    space, theta = WeightSpace(tiny(), X, LABELS), vector_of(tiny(5))
    expected = torch.autograd.functional.jacobian(function_of(tiny(), X, LABELS), theta)
    torch.testing.assert_close(space.gradient(theta), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("seed", [0, 1])
def test_hessian_vector_products_are_those_of_the_whole_hessian(seed):
    space, theta = WeightSpace(tiny(), X, LABELS), vector_of(tiny(seed))
    hessian = torch.autograd.functional.hessian(function_of(tiny(), X, LABELS), theta)
    product = space.hessian_product(theta)
    for vector in (*torch.eye(31)[::5], *torch.randn(4, 31)):
        torch.testing.assert_close(product(vector), hessian @ vector, rtol=1e-4, atol=1e-6)


def test_the_hessian_of_least_squares_is_that_of_its_formula():
    linear = nn.Linear(3, 1)
    space = WeightSpace(linear, X, torch.zeros(12), lambda outputs, _labels: outputs[:, 0].square().mean())
    hessian = 2 * torch.cat([X, torch.ones(12, 1)], 1).T @ torch.cat([X, torch.ones(12, 1)], 1) / 12
    product = space.hessian_product(space.origin)
    torch.testing.assert_close(torch.stack([product(v) for v in torch.eye(4)]), hessian, rtol=1e-5, atol=1e-6)
