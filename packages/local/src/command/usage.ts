/** What `--help` prints. */
export const USAGE = `Usage: rds-iam-local [options]

Starts an endpoint on this machine that behaves like an RDS or Aurora endpoint at login: it verifies IAM tokens, and
passes sessions on to a real database. It runs until it is stopped (Ctrl-C, SIGTERM).

What is served
  --engine ENGINE         postgres (default) or mysql
  --backend URL           the database behind it, postgresql://user:password@host:port/database or mysql://…;
                          ?ssl-ca=FILE for TLS, ?socket=FILE for a Unix-domain socket. Default: an embedded PostgreSQL,
                          or the machine's MariaDB or MySQL
  --backend-user NAME=USER:PASSWORD
                          who logs in to the backend for the endpoint's user NAME. Default: the URL's user

Where
  --port N                TCP port. Default: a free one
  --host ADDRESS          listen on this IP address in place of loopback. Dangerous: whoever reaches it and knows
                          the test credentials has the database
  --endpoint NAME         name that tokens are signed for and the certificate covers, host or host:port.
                          Default: localhost and 127.0.0.1, which given names replace

Who may log in
  --region REGION         region that tokens are signed for. Default: us-east-1
  --user NAME             database user. Default: jane_doe
  --identity KEY:SECRET[:SESSION_TOKEN]
                          test credentials. Default: a random key
  --clock-offset TIME     added to the clock that tokens are held against: 16m, --clock-offset=-90s; ms, s, m, h, d
  --max-connections-per-second N
                          logins above it are refused. Default: no limit

What is printed
  --json                  one JSON object when it is ready, then one for each login
  --shell                 one line for a shell's eval when it is ready; logins go to the standard error output
  --quiet                 no logins
  --ca-file FILE          write the CA certificate there. Default: a temporary file. It is removed at the end

  --control-port N        port of the control endpoint on 127.0.0.1. Default: a free one
  --no-control            no control endpoint
  --help, --version

--endpoint, --user, --identity and --backend-user may be repeated; --endpoint and --user also take a list with commas.
`
