/** Windows of images as rows of a matrix: what a convolution multiplies with its weights. f32, row-major. */

/** Copies one window of one channel; zeros stand for what lies outside the image. */
function copyWindow(
  imagePtr: usize,
  height: i32,
  width: i32,
  kh: i32,
  kw: i32,
  dilationH: i32,
  dilationW: i32,
  top: i32,
  left: i32,
  outPtr: usize,
): void {
  let out = outPtr;
  for (let i = 0; i < kh; i++) {
    const h = top + i * dilationH;
    const isRowInside = h >= 0 && h < height;
    for (let j = 0; j < kw; j++, out += 4) {
      const w = left + j * dilationW;
      const isInside = isRowInside && w >= 0 && w < width;
      store<f32>(out, isInside ? load<f32>(imagePtr + ((<usize>(h * width + w)) << 2)) : 0);
    }
  }
}

/**
 * rows[n perImage + i] = the window at place i of image n, channel by channel, [channels kh kw].
 * @param height, width  of an image; 1 and its length where it has one axis
 * @param padTop, padLeft  padding before each axis
 * @param outWidth  places in one row of places; place p stands in row p / outWidth
 * @param placesPtr  i32 [images perImage], each a place of its image
 * @param xPtr  f32 [images, channels, height, width]
 * @param rowsPtr  out, f32 [images perImage, channels kh kw]
 */
export function f32_window_rows(
  images: i32,
  channels: i32,
  height: i32,
  width: i32,
  kh: i32,
  kw: i32,
  strideH: i32,
  strideW: i32,
  dilationH: i32,
  dilationW: i32,
  padTop: i32,
  padLeft: i32,
  outWidth: i32,
  perImage: i32,
  placesPtr: usize,
  xPtr: usize,
  rowsPtr: usize,
): void {
  const taps = (<usize>(kh * kw)) << 2;
  const plane = (<usize>(height * width)) << 2;
  let out = rowsPtr;
  for (let n = 0; n < images; n++) {
    for (let i = 0; i < perImage; i++) {
      const place = load<i32>(placesPtr + ((<usize>(n * perImage + i)) << 2));
      const top = (place / outWidth) * strideH - padTop;
      const left = (place % outWidth) * strideW - padLeft;
      for (let c = 0; c < channels; c++, out += taps) {
        const image = xPtr + (<usize>n * <usize>channels + <usize>c) * plane;
        copyWindow(image, height, width, kh, kw, dilationH, dilationW, top, left, out);
      }
    }
  }
}
