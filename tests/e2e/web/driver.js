// A browser phone under orders: asks the test for the next order, does it with one of the two libraries, and tells
// what happened. It also listens: tone levels of what it hears, and when the first sound came.

import * as jssip from "./jssip.js";
import { asItIs } from "./microphone.js";
import * as sipjs from "./sipjs.js";

const parameters = new URLSearchParams(location.search);
const library = { jssip, sipjs }[parameters.get("library")];
const ear = { context: null, analyser: null, clickedAt: 0, isWaiting: false };

/** Tells the test. */
function tell(kind, more = {}) {
  return fetch("/event", { method: "POST", body: JSON.stringify({ kind, ...more }) });
}

/** Listens to a remote stream. Chromium lets WebAudio hear one only while an element plays it, too. */
function listen(stream) {
  const element = document.querySelector("audio");
  element.srcObject = stream;
  element.muted = true;
  element.play();
  ear.context ??= new AudioContext({ sampleRate: 48000 });
  ear.analyser = ear.context.createAnalyser();
  ear.analyser.fftSize = 8192;
  ear.analyser.smoothingTimeConstant = 0;
  ear.context.createMediaStreamSource(stream).connect(ear.analyser);
}

/** Level of a tone in samples, dB below a full-scale sine. */
function toneLevel(samples, rate, hz) {
  let real = 0;
  let imaginary = 0;
  let weight = 0;
  for (let index = 0; index < samples.length; index += 1) {
    const hann = 0.5 - 0.5 * Math.cos((2 * Math.PI * index) / samples.length);
    const angle = (2 * Math.PI * hz * index) / rate;
    real += hann * samples[index] * Math.cos(angle);
    imaginary += hann * samples[index] * Math.sin(angle);
    weight += hann;
  }
  return 20 * Math.log10(Math.max((2 * Math.hypot(real, imaginary)) / weight, 1e-7));
}

function heard(length) {
  const samples = new Float32Array(8192);
  ear.analyser.getFloatTimeDomainData(samples);
  return samples.subarray(8192 - length);
}

/** Tells how long after the click the first sound was heard. */
function watchForSound() {
  ear.clickedAt = performance.now();
  // Of the call before.
  ear.analyser = null;
  const timer = setInterval(() => {
    if (ear.analyser === null) return;
    const loudest = heard(512).reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
    if (loudest > 0.01) {
      clearInterval(timer);
      const after_ms = performance.now() - ear.clickedAt;
      tell("first_sound", { after_ms, clicked_at: performance.timeOrigin + ear.clickedAt });
    }
  }, 5);
}

async function counters() {
  const connection = library.connection();
  const sum = { received: 0, lost: 0, sent: 0, codec: "" };
  for (const report of (await connection.getStats()).values()) {
    if (report.type === "inbound-rtp") {
      sum.received += report.packetsReceived;
      sum.lost += report.packetsLost;
    } else if (report.type === "outbound-rtp") {
      sum.sent += report.packetsSent;
    } else if (report.type === "codec" && !report.mimeType.includes("telephone-event")) {
      sum.codec = report.mimeType;
    }
  }
  return sum;
}

/** Calls itself inside the page: shows that microphone, connection and ear work, before a server is blamed. */
async function callItself() {
  const [near, far] = [new RTCPeerConnection(), new RTCPeerConnection()];
  near.onicecandidate = (event) => far.addIceCandidate(event.candidate ?? undefined);
  far.onicecandidate = (event) => near.addIceCandidate(event.candidate ?? undefined);
  far.ontrack = (event) => listen(event.streams[0]);
  const microphone = await navigator.mediaDevices.getUserMedia({ audio: asItIs });
  for (const track of microphone.getTracks()) near.addTrack(track, microphone);
  watchForSound();
  await near.setLocalDescription(await near.createOffer());
  await far.setRemoteDescription(near.localDescription);
  await far.setLocalDescription(await far.createAnswer());
  await near.setRemoteDescription(far.localDescription);
}

const orders = {
  call_itself: callItself,
  register: (order) => library.register({ ...order, tell, listen }),
  unregister: () => library.unregister(),
  answer: () => {
    watchForSound();
    return library.answer();
  },
  call: (order) => {
    watchForSound();
    return library.call(order.to);
  },
  hold: () => library.hold(),
  resume: () => library.resume(),
  digit: (order) => library.digit(order.key, order.by),
  refer: (order) => library.refer(order.to),
  consult: (order) => library.consult(order.to),
  join: () => library.join(),
  hang_up: () => library.hangUp(),
  levels: (order) => {
    const samples = heard(8192);
    const levels = order.hz.map((hz) => toneLevel(samples, ear.context.sampleRate, hz));
    return tell("levels", { levels });
  },
  counters: async () => tell("counters", await counters()),
  // Never done: the page that is left must not take the next order.
  reload: () => new Promise(() => location.reload()),
};

async function obey() {
  await tell("loaded");
  for (;;) {
    const answer = await fetch("/next");
    if (answer.status !== 200) continue;
    const order = await answer.json();
    try {
      await orders[order.do](order);
    } catch (error) {
      await tell("trouble", { order: order.do, error: `${error}` });
    }
  }
}

obey();
