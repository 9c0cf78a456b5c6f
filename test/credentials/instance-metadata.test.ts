import { testSource } from './contract'

testSource('EC2 instance metadata', {
  endpoint: 'imds',
  requestsPerLookUp: 3,
  configure: (stage, { env }) => stage.set(env.imds),
  failure: /statusCode: 500/,
})
