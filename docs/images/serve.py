"""The program that takes `serve.png`: the page of a server with drawn images on it."""

import io
import shutil
import sys
from pathlib import Path
from threading import Thread

from PIL import Image
from playwright.sync_api import sync_playwright

from padimkit import Inspector, calibrate, load_recipe
from padimkit.datasets.synthetic.dataset import Synthetic
from padimkit.service.serving.limits import Limits
from padimkit.service.serving.server import address, bound, new_server
from padimkit.service.serving.service import Service

KINDS = ("good", "chipped", "misplaced_hole", "rust", "scratch")
OF_EACH = 3
SIZE = {"width": 1000, "height": 1480}


def main(root: str) -> None:
    source, pipeline = Synthetic(Path(root), "object"), load_recipe()
    pipeline.fit(source.train())
    inspector = Inspector(pipeline, calibrate(pipeline, source.train()))
    paths = [sample.path for sample in source.test()]
    shown = [path for kind in KINDS for path in [one for one in paths if one.parent.name == kind][:OF_EACH]]
    with bound("127.0.0.1", 0) as taken:
        server = new_server(Service({"flanges": inspector}, Limits()).app(), Limits())
        taken.listen()
        thread = Thread(target=server.run, kwargs={"sockets": [taken]})
        thread.start()
        try:
            take(address(taken), shown)
        finally:
            server.should_exit = True
            thread.join()


def take(url: str, paths: list[Path]) -> None:
    files = [
        {"name": f"{path.parent.name}-{path.name}", "mimeType": "image/png", "buffer": path.read_bytes()}
        for path in paths
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(url)
        page.locator("#files").set_input_files(files)
        page.get_by_text(f"{len(files)} of {len(files)} images are done.").wait_for()
        taken = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        browser.close()
    taken.quantize(256).save(Path(__file__).parent / "serve.png", optimize=True)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "padimkit-synthetic")
