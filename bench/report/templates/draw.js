"use strict";
(async () => {
  const $ = (id) => document.getElementById(id);
  const bytes = Uint8Array.from(atob($("classifier").textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const buffer = await new Response(stream).arrayBuffer();
  const length = new DataView(buffer).getUint32(0, true);
  const model = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let at = 4 + length;
  for (const layer of model.layers) {
    if (!layer.size) continue;
    const values = new Int8Array(buffer, at, layer.size);
    const each = layer.size / layer.out;
    layer.weights = Float32Array.from(values, (value, i) => value * layer.scales[Math.floor(i / each)]);
    at += layer.size;
  }

  // An image is {side, channels, data}, the channels of a pixel beside one another.
  const conv = ({ side, channels, data }, { out, stride, weights, bias, relu }) => {
    const to = Math.ceil(side / stride);
    const before = Math.max((to - 1) * stride + 3 - side, 0) >> 1;
    const made = new Float32Array(to * to * out);
    for (let y = 0; y < to; y++) for (let x = 0; x < to; x++) for (let o = 0; o < out; o++) {
      let sum = bias[o];
      for (let i = 0; i < 3; i++) {
        const row = y * stride + i - before;
        if (row < 0 || row >= side) continue;
        for (let j = 0; j < 3; j++) {
          const column = x * stride + j - before;
          if (column < 0 || column >= side) continue;
          const from = (row * side + column) * channels;
          const kernel = ((o * 3 + i) * 3 + j) * channels;
          for (let c = 0; c < channels; c++) sum += data[from + c] * weights[kernel + c];
        }
      }
      made[(y * to + x) * out + o] = relu ? Math.max(sum, 0) : sum;
    }
    return { side: to, channels: out, data: made };
  };
  const pool = ({ side, channels, data }) => {
    const to = side >> 1;
    const made = new Float32Array(to * to * channels);
    for (let y = 0; y < to; y++) for (let x = 0; x < to; x++) for (let c = 0; c < channels; c++) {
      const value = (i, j) => data[((2 * y + i) * side + 2 * x + j) * channels + c];
      made[(y * to + x) * channels + c] = Math.max(value(0, 0), value(0, 1), value(1, 0), value(1, 1));
    }
    return { side: to, channels, data: made };
  };
  const dense = ({ data }, { out, weights, bias, relu }) => {
    const made = Float32Array.from(bias, (value, o) => {
      let sum = value;
      for (let i = 0; i < data.length; i++) sum += data[i] * weights[o * data.length + i];
      return relu ? Math.max(sum, 0) : sum;
    });
    return { side: 1, channels: out, data: made };
  };
  const steps = { conv, pool, dense };
  // The probabilities of the ten digits for 28 × 28 pixels of 0 to 1, light on dark.
  const read = (pixels) => {
    let image = { side: model.side, channels: 1, data: pixels };
    for (const layer of model.layers) image = steps[layer.kind](image, layer);
    const most = Math.max(...image.data);
    const powers = Array.from(image.data, (value) => Math.exp(value - most));
    const whole = powers.reduce((a, b) => a + b);
    return powers.map((power) => power / whole);
  };

  // Strokes are kept as lines, so that they are drawn once more in MNIST's size and pen.
  const box = $("d-box");
  const pen = box.getContext("2d");
  let strokes = [];
  const draw = (context, width, place) => {
    context.lineWidth = width;
    context.lineCap = context.lineJoin = "round";
    for (const stroke of strokes) {
      context.beginPath();
      const [first, ...rest] = stroke.map(place);
      context.moveTo(...first);
      for (const point of rest.length ? rest : [[first[0] + 0.01, first[1]]]) context.lineTo(...point);
      context.stroke();
    }
  };
  const FINE = 4;
  const framed = () => {
    const points = strokes.flat();
    const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
    const [left, top] = [Math.min(...xs), Math.min(...ys)];
    const longer = Math.max(Math.max(...xs) - left, Math.max(...ys) - top, 1);
    const width = 2.6 * FINE;
    const scale = Math.min((20 * FINE - width) / longer, 1.2);
    const side = model.side * FINE;
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = side;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const alpha = (dx, dy) => {
      context.clearRect(0, 0, side, side);
      draw(context, width, ([x, y]) => [(x - left) * scale + dx, (y - top) * scale + dy]);
      return context.getImageData(0, 0, side, side).data.filter((_, i) => i % 4 === 3);
    };
    // Twice: the second time the centre of mass lies in the middle.
    const rough = alpha(width, width);
    let [mass, mx, my] = [0, 0, 0];
    rough.forEach((value, i) => { mass += value; mx += value * (i % side); my += value * Math.floor(i / side); });
    const shift = (sum) => width + side / 2 - Math.round(sum / mass + 0.5);
    const fine = alpha(shift(mx), shift(my));
    const pixels = new Float32Array(model.side * model.side);
    fine.forEach((value, i) => {
      const [x, y] = [Math.floor((i % side) / FINE), Math.floor(i / side / FINE)];
      pixels[y * model.side + x] += value / (255 * FINE * FINE);
    });
    return pixels;
  };
  const meters = [...document.querySelectorAll("#draw meter")];
  const say = () => {
    if (!strokes.length) {
      $("d-said").textContent = "Nothing there yet: draw one digit.";
      meters.forEach((meter) => { meter.value = 0; meter.nextElementSibling.textContent = "–"; });
      return;
    }
    const shares = read(framed());
    const order = shares.map((share, digit) => [share, digit]).sort((a, b) => b[0] - a[0]);
    const percent = (share) => {
      if (share > 0.9995) return "> 99.9 %";
      return share < 0.0005 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`;
    };
    const [first, second] = order;
    $("d-said").textContent = first[0] >= 0.9
      ? `${first[1]}, sure to ${percent(first[0])}`
      : `Not sure: ${first[1]} (${percent(first[0])}) or ${second[1]} (${percent(second[0])})`;
    meters.forEach((meter, digit) => { meter.value = shares[digit]; meter.nextElementSibling.textContent = percent(shares[digit]); });
  };
  const show = () => {
    pen.clearRect(0, 0, box.width, box.height);
    pen.strokeStyle = getComputedStyle(box).color;
    draw(pen, 16, (point) => point);
  };
  const point = (event) => {
    const place = box.getBoundingClientRect();
    return [((event.clientX - place.left) * box.width) / place.width, ((event.clientY - place.top) * box.height) / place.height];
  };
  box.addEventListener("pointerdown", (event) => { box.setPointerCapture(event.pointerId); strokes.push([point(event)]); show(); });
  box.addEventListener("pointermove", (event) => {
    if (!box.hasPointerCapture(event.pointerId)) return;
    strokes.at(-1).push(point(event));
    show();
  });
  box.addEventListener("pointerup", say);
  box.addEventListener("pointercancel", say);
  const start = (left) => () => { strokes = strokes.slice(0, left()); show(); say(); };
  $("d-clear").addEventListener("click", start(() => 0));
  $("d-undo").addEventListener("click", start(() => -1));
  globalThis.readDigit = read;
  say();
})();
