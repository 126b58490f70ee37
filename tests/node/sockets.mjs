// Two WebSocket servers on a free port of 127.0.0.1: `ws` at /plain, Socket.IO at /socket.io/ with the namespaces / and
// /game. Their settings come as JSON in the first argument (`token`, `websocket`: whether Socket.IO upgrades); what is
// said on the first line is the address. They end with their input.
import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { WebSocketServer } from 'ws';

const { token, websocket = true, pingInterval = 25000, adapter = true } = JSON.parse(process.argv[2] ?? '{}');
const server = createServer((_, response) => { response.writeHead(404).end(); });
const plain = new WebSocketServer({
  noServer: true, maxPayload: 4096, perMessageDeflate: true,
  handleProtocols: (offered) => (offered.has('plan.v1') ? 'plan.v1' : false),
});
plain.on('connection', (socket) => {
  socket.send(JSON.stringify({ type: 'welcome' }));
  socket.on('error', () => {});
  socket.on('message', (data) => {
    const message = JSON.parse(data);
    if (message.type === 'join') {
      for (const other of plain.clients) other.send(JSON.stringify({ type: 'joined', who: message.who }));
    } else if (message.type === 'close') {
      socket.close(message.code, 'as asked');
    } else if (message.type === 'terminate') {
      socket.terminate();
    } else {
      socket.send(JSON.stringify({ ...message, type: 'echoed' }));
    }
  });
});
server.on('upgrade', (request, socket, head) => {
  if (!request.url.startsWith('/plain')) return;
  if (token && request.headers.authorization !== `Bearer ${token}`) {
    socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n');
    return;
  }
  plain.handleUpgrade(request, socket, head, (opened) => plain.emit('connection', opened, request));
});

const io = new Server(server, { transports: websocket ? ['polling', 'websocket'] : ['polling'], pingInterval });
io.on('connection', (socket) => {
  socket.emit('welcome', { user: 'nobody' });
  socket.on('join', ({ room, who }) => {
    socket.join(room);
    (adapter ? io.to(room) : socket).emit('joined', { who });
  });
});
const game = io.of('/game');
game.use((socket, next) => next(socket.handshake.auth.token === token ? undefined : new Error('unauthorized')));
game.on('connection', (socket) => { socket.emit('welcome', { user: 'member' }); });
server.listen(0, '127.0.0.1', () => console.log(`127.0.0.1:${server.address().port}`));
process.stdin.resume().on('end', () => process.exit(0));
