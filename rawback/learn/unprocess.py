"""A photograph -> the RAW that a chosen camera might have taken of the same scene (DESIGN: training RAW is made).

After Brooks et al., "Unprocessing images for learned raw denoising" (CVPR 2019), with what a round trip through a JPEG is
sensitive to added: photosites that really saturate, colours outside sRGB, all white balances, levels of real bit depths.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rawback.isp.mosaic import BAYER

SRGB_TO_XYZ = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
# XYZ (D65) -> camera x 10000, row by row: published DNG colour matrices (tag 50721 / 50722) of sensors that differ much
CAMERAS: dict[str, tuple[int, ...]] = {
    "Canon EOS 5D": (6347, -479, -972, -8297, 15954, 2480, -1968, 2131, 7649),
    "Canon EOS 5D Mark II": (4716, 603, -830, -7798, 15474, 2480, -1496, 1937, 6651),
    "Canon EOS 6D": (7034, -804, -1014, -4420, 12564, 2058, -851, 1994, 5758),
    "Nikon D90": (7309, -1403, -519, -8474, 16008, 2622, -2434, 2826, 8064),
    "Nikon D700": (8139, -2171, -663, -8747, 16541, 2295, -1925, 2008, 8093),
    "Nikon D7000": (8198, -2239, -724, -4871, 12389, 2798, -1043, 2050, 7181),
    "Nikon D850": (10405, -3755, -1270, -5461, 13787, 1793, -1040, 2015, 6785),
    "Sony ILCE-7RM3": (6640, -1847, -503, -5238, 13010, 2474, -993, 1673, 6527),
    "Sony DSC-RX100": (8651, -2754, -1057, -3464, 12207, 1373, -568, 1398, 4434),
    "Fujifilm X-T2": (11434, -4948, -1210, -3746, 12042, 1903, -666, 1479, 5235),
    "Panasonic DMC-GH4": (7122, -2108, -512, -3155, 11201, 2231, -541, 1423, 5045),
    "Olympus E-M1": (7687, -1984, -606, -4327, 11928, 2721, -1381, 2339, 6452),
    "Pentax K-5": (8713, -2833, -743, -4342, 11900, 2772, -722, 1543, 6247),
    "Leica M8": (7675, -2196, -305, -5860, 14119, 1856, -2425, 4006, 6578),
}
LEAST_ANSWER = 0.15
"""Of a channel to the light, against that of the most sensitive one: no camera's gains are steeper."""


@dataclass(frozen=True)
class Sensor:
    """A camera at one white balance and one ISO."""

    matrix: np.ndarray
    """White-balanced camera RGB -> linear sRGB, (3, 3), rows sum to 1."""
    neutral: np.ndarray
    """As-shot neutral (DNG tag 50728), (3,), largest 1."""
    cfa: tuple[tuple[int, ...], ...]
    """Colour filter array: 0 red, 1 green, 2 blue."""
    noise: tuple[float, float]
    """Variance = noise[0] * x + noise[1] for x in 0..1 (DNG tag 51041)."""
    black: float
    """Black level in DN."""
    white: float
    """White level in DN, where a photosite saturates."""

    @property
    def gains(self) -> np.ndarray:
        """White balance multipliers (3,), smallest 1."""
        gains = 1 / self.neutral
        return gains / gains.min()


def xyz_to_camera(name: str) -> np.ndarray:
    """XYZ (D65) -> camera of a camera in CAMERAS: (3, 3) float64, as in DNG ColorMatrix (tags 50721, 50722)."""
    return np.array(CAMERAS[name], float).reshape(3, 3) / 1e4


def camera_matrix(to_camera: np.ndarray) -> np.ndarray:
    """XYZ -> camera (3, 3) to white-balanced camera RGB -> linear sRGB: (3, 3), rows sum to 1, as LibRaw computes it."""
    from_srgb = to_camera @ SRGB_TO_XYZ
    return np.linalg.inv(from_srgb / from_srgb.sum(1, keepdims=True))


def illuminant(kelvin: float) -> np.ndarray:
    """XYZ (3,) with Y = 1 of daylight (CIE D series, from 4000 K on) or of a lamp (Planckian locus, Kim et al. 2002)."""
    t = 1e3 / kelvin
    if kelvin >= 7000:
        x = 0.23704 + 0.24748 * t + 1.9018 * t**2 - 2.0064 * t**3
    elif kelvin >= 4000:
        x = 0.244063 + 0.09911 * t + 2.9678 * t**2 - 4.6070 * t**3
    else:
        x = 0.179910 + 0.8776956 * t - 0.2343589 * t**2 - 0.2661239 * t**3
    if kelvin >= 4000:
        y = -3.0 * x**2 + 2.870 * x - 0.275
    else:
        y = -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
    return np.array([x / y, 1, (1 - x - y) / y])


def neutral_of(to_camera: np.ndarray, light: np.ndarray) -> np.ndarray:
    """As-shot neutral (DNG tag 50728), (3,), largest 1, of a camera by XYZ -> camera (3, 3) in a light of XYZ (3,)."""
    answer = to_camera @ light
    answer = np.maximum(answer, LEAST_ANSWER * answer.max())
    return answer / answer.max()


def draw_sensor(
    rng: np.random.Generator, cfa: tuple[tuple[int, ...], ...] | None = None, iso: tuple[float, float] = (50, 25600)
) -> Sensor:
    """A sensor at random: camera, light, CFA phase, ISO (log-uniform in `iso`), bit depth. One in ten knows no colour."""
    name = list(CAMERAS)[rng.integers(len(CAMERAS))]
    to_camera = xyz_to_camera(name)
    matrix, neutral = camera_matrix(to_camera), neutral_of(to_camera, illuminant(1e6 / rng.uniform(105, 400)))
    if rng.random() < 0.1:
        matrix, neutral = np.eye(3), np.ones(3) if rng.random() < 0.5 else neutral
    neutral = neutral * np.exp(rng.normal(0, 0.03, 3))
    shot = 1.0e-5 * 2 ** rng.uniform(-1, 1.5) * np.exp(rng.uniform(*np.log(iso))) / 100
    read = np.exp(2.18 * np.log(shot) + 1.2 + rng.normal(0, 0.4))
    bits = int(rng.choice([8, 10, 12, 14], p=[0.08, 0.17, 0.35, 0.4]))
    black = float(rng.choice([0, 1 / 64, 1 / 32, 1 / 16]) * 2**bits)
    return Sensor(
        matrix,
        neutral / neutral.max(),
        cfa or list(BAYER.values())[rng.integers(4)],
        (float(shot), float(read)),
        round(black),
        2**bits - 1,
    )


def linear_light(encoded: np.ndarray) -> np.ndarray:
    """sRGB-encoded uint8 or uint16 (H, W, 3) -> linear float32 0..1."""
    x = np.arange(np.iinfo(encoded.dtype).max + 1, dtype=np.float64) / np.iinfo(encoded.dtype).max
    table = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4).astype(np.float32)
    return table[encoded]


def scene(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The light before the photograph was developed: (H, W, 3) linear sRGB 0..1 -> scene linear sRGB from below 0 to about 8.

    Undoes a contrast curve of random strength, lifts what is near white (a photograph has lost how bright it was),
    sets the exposure and saturates colours beyond sRGB.
    """
    rgb = rgb.astype(np.float32)
    strength = np.float32(rng.uniform(0, 1))
    contrast = 0.5 - np.sin(np.arcsin(np.clip(1 - 2 * rgb, -1, 1)) / 3)
    rgb = rgb + strength * (contrast - rgb)
    knee = np.float32(rng.uniform(0.7, 0.95))
    brightest = rgb.max(-1, keepdims=True)
    rgb = rgb * (1 + np.float32(rng.uniform(0.2, 3)) * np.maximum(brightest - knee, 0) / (1 - knee))
    luminance = (rgb @ LUMINANCE)[..., None]
    rgb = luminance + np.float32(np.clip(rng.normal(1.05, 0.2), 0.7, 1.7)) * (rgb - luminance)
    return rgb * np.float32(2 ** rng.uniform(-2.5, 0.5))


def soften(light: np.ndarray, sigma: float) -> np.ndarray:
    """A lens's blur: (H, W, 3) through a Gaussian of `sigma` pixels (0 to 1: five taps)."""
    if sigma == 0:
        return light
    taps = np.exp(-(np.arange(-2, 3) ** 2) / (2 * sigma**2)).astype(np.float32)
    taps /= taps.sum()
    for axis in (0, 1):
        padded = np.pad(light, [(2, 2) if a == axis else (0, 0) for a in range(3)], mode="edge")
        n = light.shape[axis]
        light = sum(tap * (padded[i : i + n] if axis == 0 else padded[:, i : i + n]) for i, tap in enumerate(taps))
    return light


def expose(light: np.ndarray, sensor: Sensor) -> np.ndarray:
    """Scene linear sRGB (H, W, 3) -> white-balanced camera RGB (H, W, 3) float32, noiseless and unclipped above, 0 or more."""
    return np.maximum(light @ np.linalg.inv(sensor.matrix).T.astype(np.float32), 0)


def colour_index(cfa: tuple[tuple[int, ...], ...], height: int, width: int) -> np.ndarray:
    """Colour of each photosite, (height, width) uint8."""
    tile = np.array(cfa, np.uint8)
    return np.tile(tile, (-(-height // len(tile)), -(-width // len(tile[0]))))[:height, :width]


def measure(balanced: np.ndarray, sensor: Sensor, rng: np.random.Generator) -> np.ndarray:
    """White-balanced camera RGB (H, W, 3) -> what the sensor counts: mosaic (H, W) uint16 DN, noisy, saturated at white."""
    index = colour_index(sensor.cfa, *balanced.shape[:2])
    level = np.take_along_axis(balanced, index[..., None].astype(np.intp), -1)[..., 0] / sensor.gains.astype(np.float32)[index]
    sigma = np.sqrt(sensor.noise[0] * np.minimum(level, 1) + sensor.noise[1]).astype(np.float32)
    level = level + sigma * rng.standard_normal(level.shape, np.float32)
    counts = np.round(sensor.black + level * (sensor.white - sensor.black))
    return np.clip(counts, 0, sensor.white).astype(np.uint16)


def unprocess(photo: np.ndarray, sensor: Sensor, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """sRGB-encoded photograph (H, W, 3) uint8 or uint16 -> (mosaic (H, W) uint16 DN, its noiseless truth).

    The truth is white-balanced camera RGB (H, W, 3) float32, clipped at the saturation of each channel (gains).
    """
    balanced = expose(scene(linear_light(photo), rng), sensor)
    mosaic = measure(balanced, sensor, rng)
    return mosaic, np.minimum(balanced, sensor.gains.astype(np.float32))
