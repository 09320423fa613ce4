import base64
import json
import re

import matplotlib
import numpy as np
import pytest

from shared.render.page import WEB, document, escape_json, viewer_script

HOSTILE = "</script><img src=x onerror=alert(1)>\u2028&<!--"


def test_hostile_text_is_inert_and_comes_back_unchanged():
    text = escape_json({"text": HOSTILE})
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"text": HOSTILE}


def test_document_holds_hostile_text_only_as_data():
    page = document("attention", {"note": HOSTILE}, HOSTILE)
    assert page.count("</script>") == 2
    assert "<img" not in page
    assert "connect-src" not in page and "default-src 'none'" in page


def test_document_names_no_other_host():
    script = viewer_script("attention").replace("http://www.w3.org/2000/svg", "")  # a name, nothing is fetched
    assert not re.search(r"https?://", script)


def test_unknown_viewers_are_an_error_of_the_caller():
    with pytest.raises(ValueError, match="no viewer"):
        viewer_script("nothing")


def test_color_tables_are_those_of_matplotlib():
    found = dict(re.findall(r'(\w+): "([^"]+)"', (WEB / "colormaps.js").read_text()))
    assert set(found) == {"magma", "viridis", "cividis", "RdBu_r", "berlin"}
    for name, text in found.items():
        table = np.frombuffer(base64.b64decode(text), np.uint8).reshape(256, 3)
        wanted = matplotlib.colormaps[name](np.arange(256))[:, :3] * 255
        assert np.abs(table - wanted).max() <= 0.5 + 1e-9
