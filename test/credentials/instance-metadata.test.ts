import { testSource } from './contract'

testSource('EC2 instance metadata', {
  endpoint: 'imds',
  requestsPerFetch: 3,
  configure: (stage, { env }) => stage.set(env.imds),
  failure: /statusCode: 500/,
  named: "EC2's instance metadata failed: ",
})
