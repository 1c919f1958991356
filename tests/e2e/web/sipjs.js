// SIP.js under orders.

import { Inviter, Registerer, RegistererState, SessionState, UserAgent } from "sip.js";
import { asItIs } from "./microphone.js";

const withAudio = { sessionDescriptionHandlerOptions: { constraints: { audio: asItIs, video: false } } };
let agent;
let registerer;
let session;
let talk;
let report;
let hear;

export const connection = () => session.sessionDescriptionHandler.peerConnection;

export async function register({ socket, host, user, password, tell, listen }) {
  report = tell;
  hear = listen;
  agent = new UserAgent({
    uri: UserAgent.makeURI(`sip:${user}@${host}`),
    authorizationUsername: user,
    authorizationPassword: password,
    transportOptions: { server: socket },
    sessionDescriptionHandlerFactoryOptions: {
      iceGatheringTimeout: 500,
      peerConnectionConfiguration: { iceServers: [] },
    },
    delegate: {
      onInvite: (invitation) => {
        adopt(invitation);
        tell("incoming", {
          from: invitation.remoteIdentity.uri.user,
          name: invitation.remoteIdentity.displayName ?? "",
          call: invitation.request.getHeader("X-Call-ID") ?? "",
        });
      },
      onDisconnect: () => tell("disconnected", { code: 0 }),
    },
  });
  await agent.start();
  registerer = new Registerer(agent, { expires: 600 });
  registerer.stateChange.addListener((state) => {
    if (state === RegistererState.Registered) tell("registered");
  });
  await registerer.register({
    requestDelegate: {
      onReject: (response) => tell("refused", { status: response.message.statusCode, cause: "" }),
    },
  });
}

function adopt(found) {
  session = found;
  found.stateChange.addListener((state) => {
    if (state === SessionState.Established) {
      report("up");
      listenTo(found.sessionDescriptionHandler);
    } else if (state === SessionState.Terminated) {
      report("ended", { cause: "", by: "" });
    }
  });
}

function listenTo(handler) {
  const stream = new MediaStream();
  for (const receiver of handler.peerConnection.getReceivers()) stream.addTrack(receiver.track);
  hear(stream);
}

export const unregister = () => registerer.unregister();

export const answer = () => session.accept(withAudio);

export const call = (to) => {
  adopt(new Inviter(agent, UserAgent.makeURI(to), withAudio));
  return session.invite({
    requestDelegate: {
      onReject: (response) => report("failed", { cause: "", status: response.message.statusCode }),
    },
  });
};

function offerAgain(isHeld, kind) {
  session.sessionDescriptionHandlerOptionsReInvite = { hold: isHeld };
  return session.invite({
    requestDelegate: {
      onAccept: () => report(kind),
      onReject: (response) => report("reinvite_refused", { status: response.message.statusCode }),
    },
  });
}

export const hold = () => offerAgain(true, "held");

export const resume = () => offerAgain(false, "resumed");

export const digit = (key, by) => {
  if (by !== "info") return session.sessionDescriptionHandler.sendDtmf(key);
  const content = `Signal=${key}\r\nDuration=160\r\n`;
  const body = { contentDisposition: "render", contentType: "application/dtmf-relay", content };
  return session.info({ requestOptions: { body } });
};

const pass = (from, to) =>
  from.refer(to, {
    requestDelegate: {
      onAccept: () => report("refer_taken"),
      onReject: (response) => report("refer_refused", { status: response.message.statusCode }),
    },
    onNotify: (notification) => {
      notification.accept();
      const line = notification.request.body.split("\r\n")[0];
      const status = Number(line.split(" ")[1]);
      if (status >= 300) report("refer_failed", { status });
      else if (status >= 200) report("referred");
    },
  });

export const refer = (to) => pass(session, UserAgent.makeURI(to));

/** A second call, beside the one that is on hold. */
export const consult = (to) => {
  talk = session;
  return call(to);
};

/** The first call's other side gets that of the second. */
export const join = () => pass(talk, session);

export const hangUp = () =>
  session.state === SessionState.Established ? session.bye() : session.reject();
