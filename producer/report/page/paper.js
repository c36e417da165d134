// Before the library, which looks once.
// Paper is finer than most screens: canvases that are drawn for one are drawn finely enough for the other.
if (window.devicePixelRatio < 2) {
  Object.defineProperty(window, "devicePixelRatio", { value: 2, configurable: true });
}
