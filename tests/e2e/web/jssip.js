// JsSIP under orders.

import JsSIP from "jssip";
import { asItIs } from "./microphone.js";

const audioOnly = { audio: asItIs, video: false };
const noServers = { iceServers: [] };
let agent;
let session;
let talk;
let report;

export const connection = () => session.connection;

export function register({ socket, host, user, password, tell, listen }) {
  report = tell;
  agent = new JsSIP.UA({
    sockets: [new JsSIP.WebSocketInterface(socket)],
    uri: `sip:${user}@${host}`,
    password,
    register_expires: 600,
  });
  agent.on("registered", () => tell("registered"));
  agent.on("registrationFailed", (event) =>
    tell("refused", { status: event.response?.status_code ?? 0, cause: event.cause }),
  );
  agent.on("disconnected", (event) => tell("disconnected", { code: event.code ?? 0 }));
  agent.on("newRTCSession", (event) => adopt(event, tell, listen));
  agent.start();
}

function adopt({ session: found, originator, request }, tell, listen) {
  session = found;
  const attach = (link) => link.addEventListener("track", (event) => listen(event.streams[0]));
  if (found.connection) attach(found.connection);
  found.on("peerconnection", (event) => attach(event.peerconnection));
  found.on("confirmed", () => tell("up"));
  found.on("ended", (event) => tell("ended", { cause: event.cause, by: event.originator }));
  found.on("failed", (event) =>
    tell("failed", { cause: event.cause, status: event.message?.status_code ?? 0 }),
  );
  if (originator === "remote") {
    tell("incoming", {
      from: request.from.uri.user,
      name: request.from.display_name ?? "",
      call: request.getHeader("X-Call-ID") ?? "",
    });
  }
}

export const unregister = () => agent.unregister();

export const answer = () =>
  session.answer({ mediaConstraints: audioOnly, pcConfig: noServers });

export const call = (to) =>
  void agent.call(to, { mediaConstraints: audioOnly, pcConfig: noServers });

export const hold = () => void session.hold({}, () => report("held"));

export const resume = () => void session.unhold({}, () => report("resumed"));

export const digit = (key, by) =>
  void session.sendDTMF(key, { transportType: by === "info" ? "INFO" : "RFC2833" });

const passing = () => ({
  requestSucceeded: () => report("refer_taken"),
  requestFailed: (event) => report("refer_refused", { status: event.response?.status_code ?? 0 }),
  accepted: () => report("referred"),
  failed: (event) => report("refer_failed", { status: event.status_line?.status_code ?? 0 }),
});

export const refer = (to) => void session.refer(to, { eventHandlers: passing() });

/** A second call, beside the one that is on hold. */
export const consult = (to) => {
  talk = session;
  call(to);
};

/** The first call's other side gets that of the second. */
export const join = () =>
  void talk.refer(session.remote_identity.uri, { replaces: session, eventHandlers: passing() });

export const hangUp = () => void session.terminate();
