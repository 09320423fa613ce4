"""The endpoint of the Grad-CAM Space, called as a stranger would, and what must hold behind it."""

import gc
import io
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hostile import CAT, FILES, REFERENCES, one_sentence
from PIL import Image

ROOT = Path(__file__).parents[2]
README = (ROOT / "spaces/grad_cam/README.md").read_text(encoding="utf-8")
DIGITS = "lenet-mnist"


@pytest.fixture(scope="module")
def client(grad_cam_space):
    from gradio_client import Client

    return Client(grad_cam_space, verbose=False)


def show(client, photo, **more):
    from gradio_client import handle_file

    overlay, arrays = client.predict(handle_file(str(photo)), **more, api_name="/show")
    with np.load(arrays) as found:
        return Image.open(overlay), dict(found)


def snippets():
    return re.findall(r"```python\n(.*?)```", README, re.S)


# ---- the answer -------------------------------------------------------------------------------------------------
def test_the_snippet_of_the_readme_runs(grad_cam_space, mobilenet, monkeypatch):
    monkeypatch.chdir(ROOT)
    found = {}
    exec(snippets()[0].replace("http://127.0.0.1:7860/", grad_cam_space), found)
    with np.load(found["arrays"]) as arrays:
        promised = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", README, re.M))))
        assert set(arrays) == promised
        assert [str(name) for name in arrays["methods"]] == ["Grad-CAM", "LayerCAM"]
        assert "cat" in str(arrays["labels"][arrays["target"]])
    assert Image.open(found["overlay"]).format == "JPEG"


def test_the_snippet_for_an_own_network_runs(capsys):
    import torch

    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(),
        torch.nn.Linear(8, 5),
    )  # fmt: skip
    code = snippets()[1]
    assert len(code.splitlines()) <= 8
    found = {"network": network, "picture": torch.rand(1, 3, 20, 24)}
    exec(code, found)
    assert found["result"].heatmap.shape == (3, 20, 24)
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert network.training and not hooks(network) and all(p.requires_grad for p in network.parameters())


def test_arrays_are_what_the_readme_says(client):
    names = ["HiResCAM", "Grad-CAM", "Saliency"]
    overlay, arrays = show(client, CAT, model=DIGITS, methods=names)
    rows, columns = Image.open(CAT).height, Image.open(CAT).width
    assert overlay.format == "JPEG" and overlay.size == (columns, rows)
    for name in ("heatmap", "signed"):
        assert arrays[name].dtype == np.float32 and arrays[name].shape == (3, rows, columns)
    assert arrays["heatmap"].min() >= 0
    np.testing.assert_allclose(arrays["heatmap"].max((1, 2)), 1)
    positive = np.maximum(arrays["signed"], 0)
    np.testing.assert_allclose(arrays["heatmap"], positive / positive.max((1, 2), keepdims=True), atol=1e-6)
    assert arrays["methods"].tolist() == names
    assert arrays["probabilities"].shape == (10,) and arrays["probabilities"].sum() == pytest.approx(1, abs=1e-5)
    assert arrays["target"] == arrays["probabilities"].argmax() and arrays["against"] == -1
    assert arrays["raw_0"].shape == arrays["raw_1"].shape == (14, 14) and arrays["raw_2"].shape == (28, 28)
    assert str(arrays["layer"]) == "conv2"


def test_what_the_network_did_not_see_has_no_heat(client, mobilenet):
    _, arrays = show(client, CAT)
    top, left, height, width = arrays["box"]
    inside = np.zeros(arrays["signed"].shape[1:], bool)
    inside[top : top + height, left : left + width] = True
    assert 0 < inside.mean() < 1
    assert not arrays["signed"][0][~inside].any() and arrays["signed"][0][inside].any()


def test_a_class_can_be_named_or_numbered_or_contrasted(client):
    _, named = show(client, CAT, model=DIGITS, target="7")
    assert named["target"] == 7
    _, other = show(client, CAT, model=DIGITS, target="3")
    _, contrast = show(client, CAT, model=DIGITS, target="7 - 3")
    assert (contrast["target"], contrast["against"]) == (7, 3)
    # The gradient of a difference is the difference of the gradients, and Grad-CAM is linear in it.
    np.testing.assert_allclose(contrast["raw_0"], named["raw_0"] - other["raw_0"], atol=1e-4)


def test_a_class_has_its_name_in_words(client, mobilenet):
    _, arrays = show(client, CAT, target="tabby - lion")
    assert (arrays["target"], arrays["against"]) == (mobilenet.class_named("tabby"), mobilenet.class_named("lion"))


def test_a_layer_can_be_named_or_numbered(client):
    _, last = show(client, CAT, model=DIGITS)
    _, named = show(client, CAT, model=DIGITS, layer="conv1")
    _, numbered = show(client, CAT, model=DIGITS, layer="0")
    assert named["raw_0"].shape == (28, 28) != last["raw_0"].shape
    np.testing.assert_array_equal(named["signed"], numbered["signed"])


def test_a_network_without_layers_is_explained_by_its_pixels(client):
    _, arrays = show(client, CAT, model="mlp-mnist", methods=["Saliency", "Integrated gradients"])
    assert str(arrays["layer"]) == "" and arrays["heatmap"].max() == 1


def test_sixteen_visitors_at_once_get_their_own_answers(client, tmp_path):
    random = np.random.default_rng(0)
    photos = [tmp_path / f"{index}.png" for index in range(16)]
    for photo in photos:
        Image.fromarray(random.integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(photo)
    methods = ["Grad-CAM", "Guided backpropagation", "Ablation-CAM"]

    def answer(photo):
        return show(client, photo, model=DIGITS, methods=methods)[1]["signed"]

    serial = [answer(photo) for photo in photos]
    with ThreadPoolExecutor(16) as pool:
        parallel = list(pool.map(answer, photos))
    for one, other in zip(serial, parallel, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert np.ptp(np.stack(serial), axis=0).max() > 1e-3, "different photos have different maps"


# ---- what is refused --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"model": "no such model"}, "no such model"),
        ({"model": "<script>alert(1)</script>"}, "no checkpoint"),
        ({"model": ""}, "no checkpoint"),
        ({"target": "unicorn"}, "no class 'unicorn'"),
        ({"target": "12"}, "no class"),
        ({"target": "1 - unicorn"}, "no class 'unicorn'"),
        ({"target": "-3"}, "no class"),
        ({"layer": "conv9"}, "layer"),
        ({"layer": "9"}, "layer 9"),
        ({"layer": "-1"}, "layer"),
        ({"methods": ["Guessing"]}, "no method 'Guessing'"),
        ({"methods": ["Grad-CAM"] * 30}, "one to 12 methods"),
        ({"methods": ["CAM"]}, "linear layer"),
        ({"methods": ["Rollout"]}, "transformers"),
        ({"model": "mlp-mnist", "methods": ["Grad-CAM"]}, "no spatial layers"),
        ({"model": "mlp-mnist", "layer": "0"}, "no spatial layers"),
    ],
)
def test_bad_input_is_one_sentence(client, arguments, words):
    with pytest.raises(Exception, match=re.escape(words)) as shown:
        show(client, CAT, **{"model": DIGITS, **arguments})
    one_sentence(shown.value)


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_is_refused_in_one_sentence(client, tmp_path, name):
    (tmp_path / name).write_bytes(FILES[name]())
    with pytest.raises(Exception) as shown:  # noqa: B017, PT011 - gradio_client's own class is private
        show(client, tmp_path / name, model=DIGITS)
    one_sentence(shown.value)


def test_files_of_the_server_cannot_be_read(client):
    with pytest.raises(Exception) as shown:  # noqa: B017, PT011
        client.predict({"path": "/etc/hostname", "meta": {"_type": "gradio.FileData"}}, DIGITS, api_name="/show")
    assert "Problem" not in str(shown.value)


@pytest.mark.parametrize("reference", REFERENCES)
def test_only_photos_that_a_visitor_was_given_can_be_asked_for(reference):
    import grad_cam_compute as compute

    from shared.problems import Problem

    with pytest.raises(Problem) as refused:
        compute.payload({"image": reference, "model": DIGITS, "sheet": ""})
    one_sentence(refused.value)


# ---- what stays behind ------------------------------------------------------------------------------------------
def hooks(network):
    """All hooks on all modules of a network."""
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return [hook for module in network.modules() for kind in kinds for hook in getattr(module, kind).values()]


@pytest.fixture
def case():
    import grad_cam_case as cases

    return cases.computed("example:digit-4", DIGITS)


def names(case):
    from grad_cam_maps import method_table

    return [row["name"] for row in method_table(case.model_name) if row["available"]]


def untouched(network):
    import torch

    assert not hooks(network)
    assert not network.training and not any(p.requires_grad or p.grad is not None for p in network.parameters())
    assert torch.is_grad_enabled()


def test_canceled_slow_maps_do_not_pile_up(case):
    import grad_cam_maps as maps

    from shared.explain.targets import Target

    for index in range(maps.RUNNING_KEPT + 20):
        maps.slow_map(case, "Occlusion", Target(index % 10, (index // 10 + index + 1) % 10), None, 0)
    assert 0 < len(case.running) <= maps.RUNNING_KEPT


def test_no_hook_is_left_after_success(case):
    from grad_cam_maps import signed_maps

    from shared.explain.targets import Target

    signed_maps(case, names(case), Target(4), case.layer(case.model.layer))
    untouched(case.model.network)


def test_no_hook_is_left_after_an_error(case):
    from grad_cam_maps import signed_maps

    from shared.explain.targets import Target
    from shared.problems import Problem

    for name in names(case):
        with pytest.raises(Problem, match="no class 99"):
            signed_maps(case, [name], Target(99), case.layer(case.model.layer))
        untouched(case.model.network)
    assert not any(slow.rest or slow.found is not None for (_, aim, _), slow in case.running.items() if aim.index == 99)


def test_no_hook_is_left_while_a_slow_method_rests_or_after_it_is_canceled(case):
    from shared.explain.methods import METHODS, explain
    from shared.explain.targets import Target

    slow = [name for name in names(case) if METHODS[name].slow]
    assert len(slow) >= 5
    for name in slow:
        steps = explain(name, case.model.network, case.inputs, Target(4), case.layer(case.model.layer))
        assert 0 < next(steps) <= 1
        untouched(case.model.network)
        steps.close()
        untouched(case.model.network)


def test_a_hundred_requests_do_not_grow_the_memory(tmp_path, monkeypatch):
    import grad_cam_compute as compute
    import grad_cam_endpoint as endpoint

    from shared.ui.photos import keep

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    random = np.random.default_rng(0)

    def request():
        file = io.BytesIO()
        Image.fromarray(random.integers(0, 256, (480, 640, 3), dtype=np.uint8)).save(file, "BMP")
        (tmp_path / "photo.bmp").write_bytes(file.getvalue())
        written = endpoint.show(
            {"path": str(tmp_path / "photo.bmp")}, DIGITS, ["Grad-CAM", "Saliency"], "predicted", "last"
        )
        for path in written:
            Path(path).unlink()
        compute.payload({"image": keep(file.getvalue()), "model": DIGITS, "sheet": ""})

    for _ in range(60):
        request()
    gc.collect()
    before = resident()
    for _ in range(100):
        request()
    gc.collect()
    # One request holds a photo and two maps in its size: a tenth of them kept, 100 times, would be more than this.
    assert resident() - before < 25e6


def resident():
    """Bytes of memory that this process has."""
    status = Path("/proc/self/statm")
    if not status.exists():
        pytest.skip("the memory of a process is read from /proc")
    return int(status.read_text().split()[1]) * 4096
