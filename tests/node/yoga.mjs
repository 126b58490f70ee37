// GraphQL Yoga on a free port of 127.0.0.1, subscriptions by graphql-ws. Its settings come as JSON in the first
// argument (`closed`: it shows nothing); what it says on its first line is its address. It ends with its input.
import { createServer } from 'node:http';
import { GraphQLError, NoSchemaIntrospectionCustomRule } from 'graphql';
import { createSchema, createYoga } from 'graphql-yoga';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';

const { closed = false, token } = JSON.parse(process.argv[2] ?? '{}');
const task = { id: '1', title: 'a' };
const fail = (message, code) => { throw new GraphQLError(message, { extensions: { code } }); };
async function* ticks() { yield { ticks: 1 }; yield { ticks: 2 }; }
const schema = createSchema({
  typeDefs: /* GraphQL */ `
    type Query { tasks(limit: Int = 10): [Task!]!  secrets: [String!] everything: [Task!] broken: Task! me: String }
    type Mutation { addTask(title: String!): Task }
    type Subscription { ticks: Int! silence: Int! }
    type Task { id: ID! title: String next: Task }
  `,
  resolvers: {
    Query: {
      tasks: (_, { limit }) => [task].slice(0, limit),
      secrets: () => fail('Not for you', 'FORBIDDEN'),
      everything: () => [task],
      broken: () => fail('the pool is gone', 'INTERNAL_SERVER_ERROR'),
      me: () => fail('You must be logged in', 'UNAUTHENTICATED'),
    },
    Subscription: {
      ticks: { subscribe: ticks },
      silence: { subscribe: async function* () { await new Promise(() => {}); } },
    },
  },
});

const hides = {
  onValidate({ addValidationRule }) {
    addValidationRule(NoSchemaIntrospectionCustomRule);
    return ({ valid, result, setResult }) => valid || setResult(result.map((error) =>
      new GraphQLError(error.message.replace(/ Did you mean.*/, ''), { nodes: error.nodes })));
  },
};
const yoga = createYoga({
  schema, logging: false, graphiql: !closed, batching: !closed, landingPage: false, plugins: closed ? [hides] : [],
});
const server = createServer(yoga);
useServer(
  { schema, onConnect: ({ connectionParams }) => connectionParams?.Authorization === `Bearer ${token}` },
  new WebSocketServer({ server, path: yoga.graphqlEndpoint }),
);
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}${yoga.graphqlEndpoint}`));
process.stdin.resume().on('end', () => process.exit(0));
