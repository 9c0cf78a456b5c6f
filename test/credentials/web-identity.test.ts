import { readFileSync } from 'node:fs'
import { testSource } from './contract'

testSource('web identity', {
  endpoint: 'sts',
  requestsPerFetch: 1,
  configure(stage, { env }) {
    stage.guard(readFileSync(env.webIdentity['AWS_WEB_IDENTITY_TOKEN_FILE'] ?? '', 'utf8'))
    stage.set(env.webIdentity)
  },
  failure: /httpStatusCode: 500/,
  named: 'web identity (AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN) failed: ',
})
