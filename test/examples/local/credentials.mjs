import { createServer } from 'node:http'

createServer((request, response) => {
  const Expiration = new Date(Date.now() + 3_600_000)
  const keys = { AccessKeyId: 'ASIATEST', SecretAccessKey: 'not-a-secret', Token: 'test-session' }
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ ...keys, Expiration }))
}).listen(process.env.PORT ?? 8099, '127.0.0.1')
