import { testSource } from './contract'

const SECRET = 'longTermSecretOfTheUserThatAssumesTheRole'

testSource('a profile that assumes a role', {
  endpoint: 'sts',
  requestsPerFetch: 1,
  configure(stage, { url }) {
    stage.guard(SECRET)
    const config = `
[profile app]
role_arn = arn:aws:iam::123456789012:role/app
source_profile = user
region = eu-west-1
`
    const credentials = `
[user]
aws_access_key_id = AKIAIOSFODNN7EXAMPLE
aws_secret_access_key = ${SECRET}
`
    stage.set({
      AWS_CONFIG_FILE: stage.write('config', config),
      AWS_SHARED_CREDENTIALS_FILE: stage.write('credentials', credentials),
      AWS_ENDPOINT_URL_STS: url,
      AWS_EC2_METADATA_DISABLED: 'true',
    })
    return { profile: 'app' }
  },
  failure: /httpStatusCode: 500/,
  named: 'the profile "app" failed: ',
})
