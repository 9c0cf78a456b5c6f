/** A parsed login token; nothing in it has been checked. */
export interface ParsedToken {
  /** Host as sent, brackets of an IPv6 address included. */
  host: string
  /** Port in the token, 0 to 99999. Absent in DSQL tokens. */
  port?: number
  /** Whether a slash stands before the question mark; Go's signers have left it out. */
  slash: boolean
  /** Decoded parameters in the order sent, duplicates included. */
  parameters: [name: string, value: string][]
}

const AUTHORITY = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?(\/?)$/

/** Parses a token. Returns undefined when it does not have the form `HOST:PORT/?NAME=VALUE&…` or `HOST/?…`. */
export function parseToken(token: string): ParsedToken | undefined {
  const question = token.indexOf('?')
  if (question < 0) return undefined
  const authority = AUTHORITY.exec(token.slice(0, question))
  if (authority === null) return undefined
  const parameters: [string, string][] = []
  for (const part of token.slice(question + 1).split('&')) {
    const parameter = parseParameter(part)
    if (parameter === undefined) return undefined
    parameters.push(parameter)
  }
  const [, host = '', port, slash = ''] = authority
  return { host, ...(port === undefined ? {} : { port: Number(port) }), slash: slash !== '', parameters }
}

// Only what RFC 3986 allows in a query; a plus sign stands for itself.
const PARAMETER = /^([A-Za-z0-9-]+)=((?:[A-Za-z0-9\-._~!$'()*+,;:@/?=]|%[0-9A-Fa-f]{2})*)$/

function parseParameter(part: string): [string, string] | undefined {
  const match = PARAMETER.exec(part)
  if (match === null) return undefined
  try {
    return [match[1] ?? '', decodeURIComponent(match[2] ?? '')]
  } catch {
    return undefined // escapes that are no UTF-8
  }
}

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
