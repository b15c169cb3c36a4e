/** What is said of ONNX files that are less than the package. */

/** What an ONNX file of a cascade is not. */
export const withoutOriginal =
  'the ONNX file holds the decomposed network without the original for unsure inputs: the certificate is not of it; --cascade off gives one that is';

/** What an ONNX file of int8 layers is not. */
export const withoutRounding =
  "the ONNX file holds the int8 weights, but its runtimes do not round the layers' inputs: its answers differ from the package's in last digits";
