import re
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import av
import numpy as np
import pytest
import torch
from campus import TRAIN, number_in, write_video

from padimkit.datasets.shanghaitech import videos
from padimkit.datasets.shanghaitech.dataset import ShanghaiTech
from padimkit.datasets.shanghaitech.videos import Videos, frame_count
from padimkit.errors import BadImage
from padimkit.images.preprocessing import Preprocessing
from padimkit.images.reader import Reader

SIZES = Preprocessing(resize=48, crop=48)
ALONE = Reader(SIZES, batch_size=4, workers=0)
THREADS = Reader(SIZES, batch_size=4, workers=4)


def numbers_in(batches):
    return [number_in(image.mean(0).numpy()) for batch in batches for image in batch.images]


def number_of(picture):
    return number_in(np.asarray(picture.convert("L")) / 255)


class Watched:
    """A container that counts what is done with all of them."""

    opened = decoded = open = most = 0

    @classmethod
    def reset(cls):
        cls.opened = cls.decoded = cls.open = cls.most = 0

    def __init__(self, video):
        self.container = av.open(str(video))
        self.closed = False
        Watched.opened += 1
        Watched.open += 1
        Watched.most = max(Watched.most, Watched.open)

    def decode(self, video):
        for frame in self.container.decode(video=video):
            Watched.decoded += 1
            yield frame

    def close(self):
        self.container.close()
        Watched.open -= not self.closed
        self.closed = True


@pytest.fixture
def batches(drawn_campus, monkeypatch):
    """Batches of the training videos, which are watched while they are decoded."""

    def listed(reader, **arguments):
        with monkeypatch.context() as unwatched:
            unwatched.setattr(videos, "_opened", opened)
            return reader.batches(ShanghaiTech(drawn_campus.root, **arguments).train())

    opened = videos._opened
    monkeypatch.setattr(videos, "_opened", Watched)
    Watched.reset()
    return listed


@pytest.fixture
def numbers(drawn_campus):
    return [number for name in TRAIN for number in drawn_campus.numbers[name]]


@pytest.fixture
def film(tmp_path):
    """A video of 70 frames that show 100 to 169."""
    path = tmp_path / "01_001.avi"
    write_video(path, list(range(100, 170)))
    return path


def videos_of(path, *, every=1):
    count = frame_count(path)
    return Videos({path: count}, wanted={path: range(0, count, every)})


def test_nothing_is_decoded_before_a_frame_is_asked_for(drawn_campus, monkeypatch):
    monkeypatch.setattr(videos, "_Pass", None)
    assert len(ALONE.batches(ShanghaiTech(drawn_campus.root).train())) > 0


@pytest.mark.parametrize("reader", [ALONE, THREADS])
@pytest.mark.parametrize("every", [1, 2, 7])
def test_a_loop_decodes_each_frame_once_and_closes_each_video(batches, numbers, reader, every):
    frames = batches(reader, train_every=every)
    assert Watched.opened == 0
    list(frames)
    assert (Watched.opened, Watched.decoded) == (len(TRAIN), len(numbers))
    assert Watched.open == 0 and Watched.most <= 3
    assert not frames.samples[0].open.__self__._passes  # nothing is kept either


def test_threads_give_what_one_gives(batches, numbers):
    alone, together = list(batches(ALONE)), list(batches(THREADS))
    assert numbers_in(alone) == numbers_in(together) == numbers
    assert [batch.paths for batch in alone] == [batch.paths for batch in together]
    assert all(torch.equal(one.images, other.images) for one, other in zip(alone, together, strict=True))


@pytest.mark.parametrize("reader", [ALONE, THREADS])
def test_a_second_loop_starts_afresh_even_if_the_first_one_stopped_early(batches, numbers, reader, random):
    frames = batches(reader)
    list(islice(frames, int(random.integers(20))))
    assert numbers_in(frames) == numbers_in(frames) == numbers


def test_two_loops_in_step_decode_each_video_twice(batches, numbers):
    frames = batches(ALONE)
    pairs = list(zip(frames, frames, strict=True))
    assert numbers_in(one for one, _ in pairs) == numbers_in(other for _, other in pairs) == numbers
    assert Watched.opened == 2 * len(TRAIN) and Watched.decoded == 2 * len(numbers)
    assert Watched.open == 0 and Watched.most <= 3


def test_videos_that_were_left_half_read_do_not_slow_two_loops_down(batches, numbers, drawn_campus):
    frames = batches(ALONE)
    for name in TRAIN[1:]:
        path = drawn_campus.root / "training" / "videos" / f"{name}.avi" / "00000"
        frames.samples[0].open(path)
    for _ in zip(frames, frames, strict=True):
        pass
    assert Watched.opened <= 3 + 2 * len(TRAIN) and Watched.most <= 3


@pytest.mark.parametrize("reader", [ALONE, THREADS])
def test_many_loops_at_a_time_are_right_and_open_few_videos(batches, numbers, reader, random):
    frames = batches(reader)
    loops, found = [iter(frames) for _ in range(5)], [[] for _ in range(5)]
    while any(len(each) < len(frames) for each in found):
        chosen, count = random.integers((0, 1), (5, 5)).tolist()
        found[chosen] += list(islice(loops[chosen], count))
    assert all(numbers_in(each) == numbers for each in found)
    assert Watched.most <= 3


def test_frames_are_right_in_any_order_and_with_little_room(batches, numbers, monkeypatch, random):
    monkeypatch.setattr(videos, "_MOST_KEPT", 2)
    samples = batches(ALONE).samples
    order = random.permutation(len(samples)).tolist()
    with ThreadPoolExecutor(8) as pool:
        pictures = list(pool.map(lambda index: samples[index].open(samples[index].path), order))
    assert [number_of(picture) for picture in pictures] == [numbers[index] for index in order]
    assert Watched.most <= 3


def test_few_frames_are_kept(film):
    reel = videos_of(film)
    assert number_of(reel.open(film / "00068")) == 168
    kept = reel._passes[0]._kept
    assert sorted(kept) == list(range(37, 68))
    assert number_of(reel.open(film / "00040")) == 140 and len(reel._passes) == 1
    assert number_of(reel.open(film / "00003")) == 103 and len(reel._passes) == 2


@pytest.mark.parametrize("container", ["matroska", "mpegts"])
def test_frames_are_counted_where_the_header_does_not_know(film, container):
    write_video(film, list(range(5, 34)), container=container)
    with av.open(str(film)) as opened:
        assert opened.streams.video[0].frames == 0
    reel = videos_of(film)
    assert [number_of(reel.open(path)) for path in reel.paths()] == list(range(5, 34))


def test_a_name_that_looks_like_a_protocol_is_a_file(film, monkeypatch):
    monkeypatch.chdir(film.parent)
    path = film.rename(film.parent / "http:01_001.avi").relative_to(film.parent)
    assert frame_count(path) == 70


def starts_of_frames(video):
    """Where in the file each frame starts, and where the last one ends."""
    content = video.read_bytes()
    first, end = content.index(b"movi"), content.rindex(b"idx1")
    return [match.start() for match in re.finditer(b"00dc", content) if first < match.start() < end] + [end]


@pytest.mark.parametrize("every", [1, 9, 70])
def test_a_video_that_ends_early_is_refused_with_both_numbers(film, every, random):
    left = int(random.integers(1, 70))
    film.write_bytes(film.read_bytes()[: starts_of_frames(film)[left]])
    reel = videos_of(film, every=every)
    refusal = pytest.raises(BadImage, match=re.escape(f'The video "{film}" ends after {left} of 70 frames.'))
    *paths, last = reel.paths()
    for path in paths:
        if int(path.name) < left:
            assert number_of(reel.open(path)) == 100 + int(path.name)
        else:
            with refusal:
                reel.open(path)
    with refusal:
        reel.open(last)


@pytest.mark.parametrize("reader", [ALONE, THREADS])
def test_a_video_that_was_cut_anywhere_is_refused_after_what_is_whole(campus, reader, random):
    video = campus.root / "training" / "videos" / "01_002.avi"
    _, second, *_, last, _ = starts_of_frames(video)
    video.write_bytes(video.read_bytes()[: random.integers(second, last)])
    seen = []
    with pytest.raises(BadImage, match=r'01_002.avi" (ends|cannot be decoded) after \d+ of \d+ frames'):
        for batch in reader.batches(ShanghaiTech(campus.root).train()):
            seen.append(batch)
    whole = campus.numbers["01_001"]
    whole = whole[: len(whole) // reader.batch_size * reader.batch_size]
    assert numbers_in(seen)[: len(whole)] == whole


def test_a_frame_that_cannot_be_decoded_is_named_and_those_before_it_are_given(film, monkeypatch):
    write_video(film, list(range(10)), codec="png")
    content = film.read_bytes()
    starts = [match.start() for match in re.finditer(b"\x89PNG", content)]
    film.write_bytes(content[: starts[6]] + b"\0" * 40 + content[starts[6] + 40 :])
    reel = videos_of(film)
    assert len(starts) == len(reel.paths()) == 10
    monkeypatch.setattr(videos, "_opened", Watched)
    Watched.reset()
    text = re.escape(f'The video "{film}" cannot be decoded after 6 of 10 frames: Invalid data')
    for number in (8, 6, 9, 6):  # 8 is asked for by a thread that is ahead of the others
        with pytest.raises(BadImage, match=text):
            reel.open(film / f"{number:05}")
    assert [number_of(reel.open(film / f"{number:05}")) for number in range(6)] == list(range(6))
    assert (Watched.opened, Watched.open) == (1, 0)


def garbage(seed):
    return np.random.default_rng(seed).bytes(5000)


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"", "cannot be opened: "),
        (b"RIFF", "cannot be opened: "),
        (garbage(0), "cannot be opened: "),
        (garbage(1057), "cannot be opened: |has no frames"),  # with a title that is no UTF-8
        # FFmpeg takes one draw in two thousand for a video; its other versions may see through this one.
        (garbage(3880429779), "(has no frames|cannot be opened: )"),
    ],
    ids=["empty", "head", "garbage", "garbage with a title", "garbage that opens"],
)
def test_what_is_no_video_is_refused_when_it_is_listed(campus, content, refusal):
    video = campus.root / "training" / "videos" / "02_001.avi"
    video.write_bytes(content)
    with pytest.raises(BadImage, match=re.escape(f'The video "{video}" ') + refusal):
        ShanghaiTech(campus.root).train()
    ShanghaiTech(campus.root, scene=1).train()


def test_a_title_may_be_in_any_encoding(film):
    with av.open(str(film)) as before, av.open(str(film.with_suffix(".titled.avi")), "w") as after:
        stream = after.add_stream_from_template(before.streams.video[0])
        after.metadata["title"] = "Kamera 1 aussen"
        for packet in before.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                after.mux(packet)
    titled = film.with_suffix(".titled.avi")
    titled.write_bytes(titled.read_bytes().replace(b"aussen", "außen ".encode("latin-1")))
    with pytest.raises(UnicodeDecodeError):
        av.open(str(titled))
    assert frame_count(titled) == frame_count(film) == 70
    assert number_of(videos_of(titled).open(titled / "00003")) == 103


def test_a_video_that_is_gone_when_it_is_read_is_refused(campus):
    batches = ALONE.batches(ShanghaiTech(campus.root, scene=2).train())
    video = campus.root / "training" / "videos" / "02_001.avi"
    video.unlink()
    with pytest.raises(BadImage, match=re.escape(f'The video "{video}" cannot be opened: No such file')):
        list(batches)


def test_a_video_without_frames_is_refused(film):
    with av.open(str(film), "w", format="avi") as output:
        stream = output.add_stream("pcm_s16le", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        sound.sample_rate = 8000
        output.mux(stream.encode(sound))
    with pytest.raises(BadImage, match=re.escape(f'The video "{film}" has no frames.')):
        frame_count(film)
