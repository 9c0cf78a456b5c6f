import { testSource } from './contract'

testSource('the container endpoint', {
  endpoint: 'container',
  requestsPerFetch: 1,
  configure: (stage, { env }) => stage.set(env.container),
  failure: /status: 500/,
})
