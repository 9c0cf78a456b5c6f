import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import type { ClientRequest } from 'node:http'
import { describe, expect, it } from 'vitest'
import { testSource } from './contract'
import { testStage } from './scene'

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

describe('web identity', () => {
  const stage = testStage()

  it.each([
    ['eu-west-1', 'sts.eu-west-1.amazonaws.com'],
    ['cn-north-1', 'sts.cn-north-1.amazonaws.com.cn'],
  ])('asks STS in the region %s, at %s', async (region, host) => {
    const { env } = await stage.startEndpoints()
    stage.set({ ...env.webIdentity, AWS_REGION: region, AWS_ENDPOINT_URL_STS: '' })
    const hosts = new Set<unknown>()
    const onRequest = (message: unknown): void => {
      const { request } = message as { request: ClientRequest }
      hosts.add(request.getHeader('host'))
      request.destroy(new Error('not sent'))
    }
    subscribe('http.client.request.start', onRequest)
    await stage.failure(stage.provider().getToken())
    unsubscribe('http.client.request.start', onRequest)
    expect([...hosts]).toEqual([host])
  })
})
