// A real mail server for the tests: smtp-server, which keeps what it takes, with faults on demand.
//
// usage: node mailbox.mjs '{"key": FILE, "cert": FILE, "starttls": bool, "user": NAME, "password": TEXT}'
// Prints one line of JSON, {"port", "control"}, and lives until its standard input ends. With "starttls" it takes
// mails only after STARTTLS; without, it does not know the word. With "user" it takes them only from that account.
//
// The control port answers JSON:
//   GET  /mails   all that it took, oldest first: {"to", "header", "subject", "text", "html", "parts"}
//   POST /faults  {"refuse": {ADDRESS: CODE}, "later": N, "drop": N, "hold": bool, "greeting": MILLISECONDS}
//                 replaces them all. later: the next N recipients get 451. drop: the next N mails are kept, and the
//                 connection breaks before the answer. hold: mails are kept, and the answer never comes.
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';

const { key, cert, starttls, user, password } = JSON.parse(process.argv[2]);
const mails = [];
const none = { refuse: {}, later: 0, drop: 0, hold: false, greeting: 0 };
let faults = { ...none };

const no = (code, text) => Object.assign(new Error(text), { responseCode: code });

/** The content types in a mail, containers first. */
const types = (raw) => [...raw.matchAll(/^content-type: *([a-z]+\/[a-z]+)/gim)].map(([, type]) => type);

async function take(stream, session) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  const raw = Buffer.concat(chunks).toString('utf8');
  const { subject, text, html, headers } = await PostalMime.parse(raw);
  const header = Object.fromEntries(headers.map(({ key, value }) => [key, value]));
  const to = session.envelope.rcptTo.map(({ address }) => address);
  mails.push({ to, header, subject, text, html, parts: types(raw) });
}

const server = new SMTPServer({
  ...(starttls ? { key: readFileSync(key), cert: readFileSync(cert) } : { disabledCommands: ['STARTTLS'] }),
  authOptional: !user,
  ...(user ? { allowInsecureAuth: !starttls } : { disabledCommands: starttls ? ['AUTH'] : ['AUTH', 'STARTTLS'] }),
  onConnect(_, next) { setTimeout(next, faults.greeting); },
  onAuth(auth, _, next) {
    const good = auth.username === user && auth.password === password;
    next(good ? null : no(535, 'Authentication failed'), { user });
  },
  onMailFrom(_, session, next) { next(starttls && !session.secure ? no(530, 'Must issue STARTTLS first') : null); },
  onRcptTo({ address }, _, next) {
    if (faults.refuse[address]) return next(no(faults.refuse[address], 'No such user here'));
    if (faults.later > 0) { faults.later -= 1; return next(no(451, 'Greylisted, come again')); }
    return next();
  },
  async onData(stream, session, next) {
    await take(stream, session);
    if (faults.hold) return;
    if (faults.drop > 0) {
      faults.drop -= 1;
      for (const connection of server.connections) if (connection.session.id === session.id) connection._socket.destroy();
      return;
    }
    next();
  },
});
server.on('error', () => {}); // a connection that broke

const control = createServer(async (request, response) => {
  let text = '';
  for await (const part of request) text += part;
  if (request.method === 'POST') faults = { ...none, ...JSON.parse(text) };
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(mails));
});

const listen = (one) => new Promise((done) => { one.listen(0, '127.0.0.1', () => done((one.server ?? one).address())); });
const port = (await listen(server)).port;
console.log(JSON.stringify({ port, control: `http://127.0.0.1:${(await listen(control)).port}` }));
process.stdin.on('end', () => process.exit()).resume();
