import { subscribe } from 'node:diagnostics_channel'
import { metrics } from '@opentelemetry/api'
import type { LoginRefusedEvent, TokenSignedEvent } from '@rds-iam/core'

const meter = metrics.getMeter('rds-iam')
const signing = meter.createHistogram('rds_iam.token.signing.duration', { unit: 'ms' })
const refused = meter.createCounter('rds_iam.login.refused')

subscribe('rds-iam:token.signed', (event) => {
  const { durationMs, endpoint, user } = event as TokenSignedEvent
  signing.record(durationMs, { 'server.address': endpoint.host, 'db.user': user })
})
subscribe('rds-iam:login.refused', (event) => {
  const { endpoint, user } = event as LoginRefusedEvent
  refused.add(1, { 'server.address': endpoint.host, 'db.user': user })
})
