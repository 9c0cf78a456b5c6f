/** The parts of `X-Amz-Credential`. */
export interface CredentialScope {
  /** Access key id of the signer. */
  accessKeyId: string
  /** Day of the signature, `YYYYMMDD`. */
  date: string
  /** Region that the token is for. */
  region: string
  /** `rds-db` or `dsql`. */
  service: string
  /** Always `aws4_request`. */
  terminator: string
}

const CREDENTIAL = /^([A-Za-z0-9_]{1,128})\/(\d{8})\/([a-z0-9-]{1,64})\/(rds-db|dsql)\/(aws4_request)$/

/** Parses `X-Amz-Credential`. Returns undefined when it is not `KEY/DATE/REGION/SERVICE/aws4_request`. */
export function parseCredential(credential: string): CredentialScope | undefined {
  const match = CREDENTIAL.exec(credential)
  if (match === null) return undefined
  const [, accessKeyId = '', date = '', region = '', service = '', terminator = ''] = match
  return { accessKeyId, date, region, service, terminator }
}

const SIGNING_DATE = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/

/** Reads `X-Amz-Date` as milliseconds since 1970. Returns undefined for anything but a date and time in UTC. */
export function parseSigningDate(date: string): number | undefined {
  const match = SIGNING_DATE.exec(date)
  if (match === null) return undefined
  const [, year, month, day, hour, minute, second] = match
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`
  const time = Date.parse(iso)
  // Engines roll 30 February over into March instead of refusing it.
  return Number.isNaN(time) || new Date(time).toISOString() !== iso ? undefined : time
}
