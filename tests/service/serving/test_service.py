"""A server's answers: the same lines as those of the inspector, and one message for each mistake."""

import base64
import io
import json
import socket
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families
from served import Held, running

from padimkit.inspection.pictures import in_sixteen_bits, map_range, marked
from padimkit.inspection.results import new_results
from padimkit.service.serving.limits import Limits
from padimkit.service.serving.service import Service

QUICK = Limits(seconds=0.3)
PATIENT = Limits(seconds=20)


def without_time(line):
    return {key: value for key, value in line.items() if key != "milliseconds"}


def expected(inspector, content, name):
    return without_time(json.loads(json.dumps(inspector(content).as_dict() | {"path": name})))


def test_an_answer_is_a_line_as_inspect_writes_it(post, inspector, bad, tmp_path):
    answer = post(bad, name="bad.png")
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/json"
    assert without_time(answer.json()) == expected(inspector, bad, "bad.png")
    assert answer.json()["verdict"] == "NG" and answer.json()["regions"]
    with new_results(tmp_path / "out", overwrite=False) as results:
        results.add(inspector(bad))
    (written,) = (tmp_path / "out" / "results.jsonl").read_text().splitlines()
    assert list(json.loads(written)) == list(answer.json())
    assert answer.text == json.dumps(answer.json()) + "\n"


def test_the_file_of_a_form_is_as_good_as_a_body(client, post, bad):
    form = client.post("/predict?model=nuts", files={"anything": ("a b.png", bad)})
    assert form.status_code == 200
    assert without_time(form.json()) == without_time(post(bad, name="a b.png").json())
    assert post(bad).json()["path"] == "image"


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "<b>&", "snow ☃.png", "/dev/zero", "a\nb", "http://x//"]
)
def test_a_name_is_no_more_than_text(post, bad, name):
    assert post(bad, name=name).json()["path"] == name
    broken = post(b"no image", name=name)
    assert broken.status_code == 422 and f'"{name}" (8 bytes) is not an image' in broken.json()["error"]


def test_pictures_and_maps_come_on_request(post, inspector, bad):
    inspection, scale = inspector(bad), inspector.calibration.map_scale
    found = post(bad, **{"with": "overlay,map,values,preview"}).json()

    def opened(text):
        return Image.open(io.BytesIO(base64.b64decode(text)))

    drawn = marked(Image.open(io.BytesIO(bad)).convert("RGB"), inspection, scale)
    assert np.array_equal(np.asarray(opened(found["overlay"])), np.asarray(drawn))
    assert np.array_equal(opened(found["map"]["png"]), in_sixteen_bits(inspection, scale))
    assert (found["map"]["minimum"], found["map"]["maximum"]) == map_range(scale)
    values = np.frombuffer(base64.b64decode(found["values"]["float32"]), "<f4")
    assert np.array_equal(
        values.reshape(found["values"]["shape"]), inspection.map_at_original(), equal_nan=True
    )
    assert opened(found["preview"]["image"]).format == opened(found["preview"]["overlay"]).format == "JPEG"
    assert "overlay" not in post(bad).json()


def test_an_image_that_cannot_be_inspected_is_an_error_with_its_reason(post, bad):
    answer = post(bad[:200], name="half.png", **{"with": "overlay"})
    line = answer.json()
    assert answer.status_code == 422
    assert (line["verdict"], line["score"], line["p_value"]) == ("ERROR", None, None)
    assert '"half.png" cannot be decoded' in line["error"] and "overlay" not in line


def pages_of(*contents):
    """A TIFF with these images as its pages."""
    first, *others = (Image.open(io.BytesIO(one)).convert("RGB") for one in contents)
    file = io.BytesIO()
    first.save(file, format="TIFF", save_all=True, append_images=others, compression="tiff_deflate")
    return file.getvalue()


def test_the_pages_of_a_file_are_asked_for_one_by_one(post, inspector, good, bad):
    scan = pages_of(good[0], bad)
    refused = post(scan, name="scan.tiff")
    assert refused.status_code == 400 and refused.json()["pages"] == [0, 1]
    assert '"scan.tiff" holds 2 images.' in refused.json()["error"] and "?page=0" in refused.json()["error"]
    for number, content in enumerate((good[0], bad)):
        line = post(scan, name="scan.tiff", page=number, **{"with": "preview"}).json()
        assert line["path"] == f"scan.tiff[{number}]" and line["preview"]
        assert line["score"] == inspector(content).score
    assert post(bad, page=0).json()["score"] == inspector(bad).score
    absent = post(scan, page=2)
    assert absent.status_code == 400 and "has no page 2. It has the pages 0, 1." in absent.json()["error"]


def chunks(size):
    for _ in range(size // 1000):
        yield bytes(1000)


LARGE = np.zeros((101, 100), np.uint8)
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n"


def in_file(content, kind="PNG"):
    file = io.BytesIO()
    Image.fromarray(content).save(file, format=kind)
    return file.getvalue()


BOMB = in_file(LARGE).replace(b"\x00\x00\x00\x64\x00\x00\x00\x65", b"\x00\x01\x00\x00\x00\x01\x00\x00", 1)
BOMB = BOMB[:29] + zlib.crc32(BOMB[12:29]).to_bytes(4, "big") + BOMB[33:]  # 65536 x 65536 pixels


@pytest.mark.parametrize(
    ("status", "message", "query", "body"),
    [
        (404, 'There is no model "bolt". Did you mean', "model=bolt", {"content": b"x"}),
        (400, "Name a model by ?model=NAME, one of: bolts, nuts.", "", {"content": b"x"}),
        (400, 'There is no key of the query "modell". Did you mean', "modell=bolts", {"content": b"x"}),
        (400, 'value of "with" "overlays". Did you mean', "model=bolts&with=overlays", {"content": b"x"}),
        (400, 'The query names "model" twice', "model=bolts&model=nuts", {"content": b"x"}),
        (400, 'The query names "name" twice', "model=bolts&name=a&name=a", {"content": b"x"}),
        (400, 'Expected "page" as the number of a page', "model=bolts&page=-1", {"content": b"x"}),
        (400, "The request holds no image. Send the bytes", "model=bolts", {}),
        (400, "The request holds no image. Send", "model=bolts", {"files": {"a": ("a.png", b"")}}),
        (400, "The form holds no file. Send", "model=bolts", {"files": {"a": (None, b"text")}}),
        (400, "several files", "model=bolts", {"files": {"a": ("a", b"1"), "b": ("b", b"2")}}),
        (413, "larger than the 0.05 MB", "model=bolts", {"content": bytes(60_000)}),
        (413, "larger than the 0.05 MB", "model=bolts", {"content": chunks(60_000)}),
        (413, "larger than the 0.05 MB", "model=bolts", {"files": {"a": ("a.png", bytes(60_000))}}),
        (413, '"image" has more than the 0.01 megapixels', "model=bolts", {"content": in_file(LARGE)}),
        (413, '"image" has more than the 0.01 megapixels', "model=bolts", {"content": BOMB}),
        (415, "of the format EPS; expected BMP, GIF", "model=bolts", {"content": EPS}),
        (415, "of the format ICNS; expected", "model=bolts", {"content": in_file(LARGE[:16, :16], "ICNS")}),
    ],
)
def test_each_mistake_has_one_message(client, status, message, query, body):
    answer = client.post(f"/predict?{query}", **body)
    assert (answer.status_code, list(answer.json())) == (status, ["error"])
    assert message in answer.json()["error"]


def test_a_form_that_does_not_say_its_size_is_refused_as_soon_as_it_is_too_large(client):
    def parts():
        yield b'--x\r\nContent-Disposition: form-data; name="a"; filename="a.png"\r\n\r\n'
        yield from chunks(60_000)
        yield b"\r\n--x--\r\n"

    kind = {"content-type": "multipart/form-data; boundary=x"}
    answer = client.post("/predict?model=bolts", content=parts(), headers=kind)
    assert answer.status_code == 413 and "larger than the 0.05 MB" in answer.json()["error"]


def test_a_client_that_asks_before_it_sends_is_told_at_once(url):
    head = "POST /predict?model=bolts HTTP/1.1\r\nContent-Length: 60000\r\nExpect: 100-continue\r\n"
    assert raw(url, head).startswith(b"HTTP/1.1 413 ")


def raw(url, head):
    """The beginning of the answer to a request that a client would not send."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port)) as plain:
        plain.sendall(f"{head}Host: {parts.netloc}\r\n\r\n".encode())
        return plain.recv(65536)


def test_a_form_that_is_broken_is_refused(client):
    for body in (
        b"--x\r\nnonsense",
        b"",
        b"--x--",
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n',
    ):
        answer = client.post(
            "/predict?model=bolts", content=body, headers={"content-type": "multipart/form-data; boundary=x"}
        )
        assert answer.status_code == 400 and answer.json()["error"], body
    for kind in ("multipart/form-data", "multipart/mixed; boundary=x"):
        answer = client.post("/predict?model=bolts", content=b"--x--", headers={"content-type": kind})
        assert answer.status_code == 400 and answer.json()["error"], kind


@pytest.mark.parametrize(
    "path",
    [
        "/../../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/templates/index.js",
        "/models/..",
    ],
)
def test_no_file_of_the_server_can_be_read(url, path):
    answer = raw(url, f"GET {path} HTTP/1.1\r\nConnection: close\r\n")  # a client would tidy the path
    assert answer.startswith(b"HTTP/1.1 404 ")


def test_what_the_server_says_of_itself(client, inspector):
    assert client.get("/health").json()["status"] == "ok"
    first, second = client.get("/models").json()
    assert (first["name"], second["name"], first["model"]) == ("bolts", "nuts", inspector.model)
    assert first["scores"] == list(inspector.calibration.scores)
    assert first["threshold"] == inspector.calibration.threshold


def test_refusals_are_counted_wherever_they_are_given(inspector, good):
    with running(Service({"bolts": inspector}, PATIENT, hosts=("127.0.0.1",))) as url:
        assert httpx.get(f"{url}/predict").status_code == 405
        assert httpx.post(f"{url}/predictions").status_code == 404
        assert httpx.get(f"{url}/health", headers={"host": "elsewhere"}).status_code == 421
        assert httpx.post(f"{url}/predict?model=nuts", content=good[0]).status_code == 404
        series = metrics(url)
    kinds = {key: value for (name, key), value in series.items() if name == "padimkit_refusals_total"}
    assert kinds == {(("status", status),): 1 for status in ("404", "405", "421")}
    assert series["padimkit_requests_total", (("status", "404"),)] == 1


def test_the_description_covers_every_route_and_answer(client, post, bad):
    described = client.get("/openapi.json").json()
    (operation,) = described["paths"]["/predict"].values()
    for path in set(described["paths"]) - {"/predict"}:
        answer = client.get(path)
        (kind,) = described["paths"][path]["get"]["responses"]["200"]["content"]
        assert answer.status_code == 200 and answer.headers["content-type"].startswith(kind)
    everything = post(bad, **{"with": "overlay,map,values,preview"}).json()
    require(everything, operation["responses"]["200"]["content"]["application/json"]["schema"])
    models = described["paths"]["/models"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    require(client.get("/models").json(), models)
    asked = {one["name"] for one in operation["parameters"]}
    assert asked == {"model", "name", "page", "with"}
    page = client.get("/docs").text
    assert all(f"<code>{name}</code>" in page for name in (*asked, *everything))


KINDS = {"string": str, "number": (int, float), "null": type(None), "array": list, "object": dict}


def require(value, schema):
    """Compares a value with a schema, as far as ours go; nothing may be left undescribed."""
    if "enum" in schema:
        assert value in schema["enum"]
        return
    kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    assert any(isinstance(value, KINDS[kind]) for kind in kinds), (value, schema)
    if isinstance(value, dict):
        assert set(schema["required"]) <= set(value) <= set(schema["properties"])
        for key, part in value.items():
            require(part, schema["properties"][key])
    if isinstance(value, list) and "items" in schema:
        for part in value:
            require(part, schema["items"])


def test_requests_that_wait_are_scored_together(inspector, good):
    held = Held(inspector)
    with running(Service({"bolts": held}, PATIENT, batch_size=4)) as url, ThreadPoolExecutor(6) as pool:
        first = pool.submit(httpx.post, f"{url}/predict", content=good[0])
        assert held.begun.wait(10)
        others = [pool.submit(httpx.post, f"{url}/predict", content=one, timeout=30) for one in good[1:]]
        wait_for(url, waiting_images=5)
        held.go.set()
        scores = [one.result().json()["score"] for one in (first, *others)]
        series = metrics(url)
    assert held.sizes == [1, 4, 1]
    alone = [inspector(one).score for one in good]
    assert scores == pytest.approx(alone, rel=1e-5)  # the last bits of float32 depend on the batch
    assert series["padimkit_batch_images_sum", ()] == 6 and series["padimkit_batch_images_count", ()] == 3
    assert series["padimkit_requests_total", (("status", "200"),)] == 6
    verdicts = {key: value for (name, key), value in series.items() if name == "padimkit_verdicts_total"}
    assert sum(verdicts.values()) == 6 and all(dict(key)["model"] == "bolts" for key in verdicts)


def metrics(url):
    return {
        (sample.name, tuple(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(httpx.get(f"{url}/metrics").text)
        for sample in family.samples
    }


def wait_for(url, **expected):
    """Until a number of the server is as expected."""
    ((name, value),) = expected.items()
    for _ in range(1000):
        if metrics(url)[f"padimkit_{name}", ()] == value:
            return
        time.sleep(0.005)
    raise AssertionError("they did not arrive")


def test_a_server_that_is_full_says_so_and_loses_nothing(inspector, good):
    held = Held(inspector)
    with running(Service({"bolts": held}, Limits(waiting=2))) as url, ThreadPoolExecutor(2) as pool:
        first = [pool.submit(httpx.post, f"{url}/predict", content=one) for one in good[:2]]
        wait_for(url, accepted_requests=2)
        refused = httpx.post(f"{url}/predict", content=good[2])
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert "2 requests are waiting already" in refused.json()["error"]
        held.go.set()
        assert [one.result().status_code for one in first] == [200, 200]
        assert httpx.post(f"{url}/predict", content=good[2]).status_code == 200


def test_a_request_that_takes_too_long_is_given_up(inspector, good):
    held = Held(inspector)
    with running(Service({"bolts": held}, QUICK)) as url:
        late = httpx.post(f"{url}/predict", content=good[0])
        assert late.status_code == 503 and "longer than 0.3 s to be answered" in late.json()["error"]
        held.go.set()
        parts = urlsplit(url)
        with socket.create_connection((parts.hostname, parts.port)) as slow:
            slow.sendall(
                f"POST /predict HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: 9\r\n\r\nhalf".encode()
            )
            answer = slow.recv(65536)
        assert answer.startswith(b"HTTP/1.1 408 ")
        with socket.create_connection((parts.hostname, parts.port)) as gone:
            gone.sendall(
                f"POST /predict HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: 9\r\n\r\nhalf".encode()
            )
        assert httpx.post(f"{url}/predict", content=good[0]).status_code == 200
        found = metrics(url)
        assert found["padimkit_requests_total", (("status", "499"),)] == 1
        assert found["padimkit_accepted_requests", ()] == 0


def test_a_server_that_is_stopped_answers_what_it_has_accepted(inspector, good):
    held, before = Held(inspector), own_threads()
    with ThreadPoolExecutor(4) as pool:
        with running(Service({"bolts": held}, PATIENT)) as url:
            answers = [pool.submit(httpx.post, f"{url}/predict", content=one) for one in good[:3]]
            wait_for(url, accepted_requests=3)
            pool.submit(let_go_once_it_is_closed, url, held)
        assert [one.result().status_code for one in answers] == [200, 200, 200]
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/health")
    assert own_threads() == before


def own_threads():
    return sorted(thread.name for thread in threading.enumerate() if thread.name.startswith("padimkit"))


def let_go_once_it_is_closed(url, held):
    with suppress(httpx.TransportError):
        while True:
            httpx.get(f"{url}/health")
    held.go.set()


class Broken:
    """An inspector that fails once, as a device without memory would."""

    def __init__(self, inspector):
        self.inner, self.failed = inspector, False

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def judge(self, reads):
        if self.failed:
            return self.inner.judge(reads)
        self.failed = True
        raise RuntimeError("secret of the server")


def test_a_failure_of_the_server_is_said_and_survived(inspector, good):
    with running(Service({"bolts": Broken(inspector)}, PATIENT)) as url:
        failed = httpx.post(f"{url}/predict", content=good[0])
        assert failed.status_code == 500 and "secret" not in failed.text and failed.json()["error"]
        assert failed.headers["x-content-type-options"] == "nosniff"
        assert httpx.post(f"{url}/predict", content=good[0]).status_code == 200


def test_a_server_is_called_by_its_own_names_only(inspector):
    with running(Service({"bolts": inspector}, QUICK, hosts=("localhost", "::1", "vision"))) as url:
        for host, status in (
            ("localhost:1", 200),
            ("[::1]:80", 200),
            ("VISION", 200),
            ("evil.example", 421),
            ("", 421),
            ("[", 421),
        ):
            answer = httpx.get(f"{url}/health", headers={"host": host})
            assert answer.status_code == status, host
            assert answer.headers["x-content-type-options"] == "nosniff"
