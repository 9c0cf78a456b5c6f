import { testSource } from './contract'

// What a credential helper does: asks somebody, and writes the answer in the form of the shared files' `process`.
const HELPER = `
const { HELPER_URL: url, HELPER_AUTHORIZATION: authorization } = process.env
require('node:http').get(url, { headers: { authorization } }, async (response) => {
  let body = ''
  for await (const chunk of response) body += chunk
  if (response.statusCode !== 200) {
    console.error('the helper got ' + response.statusCode)
    process.exitCode = 3
  } else if (body.endsWith('}')) {
    const { Token: SessionToken, ...rest } = JSON.parse(body)
    console.log(JSON.stringify({ Version: 1, SessionToken, ...rest }))
  } else {
    console.log(body)
  }
})
`

testSource('a credential process', {
  endpoint: 'container',
  requestsPerLookUp: 1,
  configure(stage, { env }) {
    const { AWS_CONTAINER_CREDENTIALS_FULL_URI: url, AWS_CONTAINER_AUTHORIZATION_TOKEN: token } =
      env.container
    const command = `"${process.execPath}" "${stage.write('helper.cjs', HELPER)}"`
    stage.set({
      HELPER_URL: url ?? '',
      HELPER_AUTHORIZATION: token ?? '',
      AWS_CONFIG_FILE: stage.write('config', `[profile app]\ncredential_process = ${command}\n`),
      AWS_PROFILE: 'app',
      AWS_EC2_METADATA_DISABLED: 'true',
    })
  },
  failure: /the helper got 500/,
  timeoutMs: 3_000,
})
