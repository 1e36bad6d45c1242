"""Writes images/strangers: one scene as JPEG and WebP files of the kinds that
people send. Needs Pillow; run it as `make_pictures.py images/strangers`."""

import os
import sys

from PIL import Image

out = sys.argv[1]
os.makedirs(out, exist_ok=True)


def path(name):
    return os.path.join(out, name)


scene = Image.new("RGB", (24, 16))
for y in range(16):
    for x in range(24):
        scene.putpixel((x, y), (x * 10, y * 15, 128 if x < 12 else 30))
scene.save(path("scene.png"))
scene.save(path("plain.jpg"), quality=95, subsampling=0)
scene.save(path("progressive.jpg"), quality=95, subsampling=0, progressive=True)
scene.convert("L").save(path("grey.jpg"), quality=95)
scene.convert("CMYK").save(path("inks.jpg"), quality=95)
for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = orientation
    back = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]
    turned = scene if back is None else scene.transpose(Image.Transpose(back))
    turned.save(path(f"turned-{orientation}.jpg"), quality=95, subsampling=0,
                exif=exif)
scene.save(path("lossy.webp"), quality=95)
scene.save(path("lossless.webp"), lossless=True)
alpha = scene.convert("RGBA")
alpha.putalpha(100)
alpha.save(path("alpha.webp"), lossless=True)
scene.save(path("moving.webp"), save_all=True,
           append_images=[scene.rotate(90)])
