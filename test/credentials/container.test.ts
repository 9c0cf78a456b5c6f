import { SigningCredentials } from '@rds-iam/core/internal'
import { describe, expect, it } from 'vitest'
import { rejection } from '../contract/outcome'
import { testSource } from './contract'
import { testStage } from './scene'

testSource('the container endpoint', {
  endpoint: 'container',
  requestsPerFetch: 1,
  configure: (stage, { env }) => stage.set(env.container),
  failure: /status: 500/,
  named: 'the container endpoint (AWS_CONTAINER_CREDENTIALS_FULL_URI) failed: ',
})

describe('the container endpoint', () => {
  const stage = testStage()

  it('gives nothing to an environment without it, although one changed to the other during a fetch', async () => {
    const { env } = await stage.startEndpoints()
    const without = {
      ...env.container,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: '',
      AWS_EC2_METADATA_DISABLED: 'true',
    }
    const credentials = new SigningCredentials({})
    stage.set(without)
    const during = credentials.get()
    stage.set(env.container)
    await during
    stage.set(without)
    expect(await rejection(credentials.get())).toMatchObject({ code: 'CREDENTIALS_UNAVAILABLE' })
  })
})
