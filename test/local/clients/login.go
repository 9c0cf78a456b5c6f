// Logs in with a token of aws-sdk-go's rdsutils, which leaves out the slash, and prints what a query gives.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go/aws/credentials"
	"github.com/aws/aws-sdk-go/service/rds/rdsutils"
	"github.com/go-sql-driver/mysql"
	_ "github.com/lib/pq"
)

var (
	engine    = flag.String("engine", "", "postgres or mysql")
	port      = flag.Int("port", 0, "port on localhost")
	user      = flag.String("user", "", "database user")
	database  = flag.String("database", "", "database")
	region    = flag.String("region", "", "region to sign for")
	signedFor = flag.String("signed-for", "", "user to sign for")
	tampered  = flag.Bool("tampered", false, "change the token after signing")
	useTLS    = flag.Bool("tls", true, "use TLS")
	ca        = flag.String("ca", "", "file with the authority to trust")
)

func main() {
	flag.Parse()
	answer, err := query()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(answer)
}

func query() (answer int, err error) {
	token, err := authToken()
	if err != nil {
		return 0, err
	}
	db, err := open(token)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	err = db.QueryRow("select 40 + 2").Scan(&answer)
	return answer, err
}

func authToken() (string, error) {
	endpoint := fmt.Sprintf("localhost:%d", *port)
	token, err := rdsutils.BuildAuthToken(endpoint, *region, *signedFor, credentials.NewEnvCredentials())
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(token, endpoint+"?") {
		return "", fmt.Errorf("this release of rdsutils signs with a slash: another case is tested than meant")
	}
	if !*tampered {
		return token, nil
	}
	last := "0"
	if strings.HasSuffix(token, last) {
		last = "1"
	}
	return token[:len(token)-1] + last, nil
}

func open(token string) (*sql.DB, error) {
	if *engine == "mysql" {
		return openMysql(token)
	}
	security := "sslmode=disable"
	if *useTLS {
		security = fmt.Sprintf("sslmode=verify-full sslrootcert='%s'", *ca)
	}
	return sql.Open("postgres", fmt.Sprintf("host=localhost port=%d user='%s' dbname='%s' password='%s' %s",
		*port, *user, *database, token, security))
}

func openMysql(token string) (*sql.DB, error) {
	config := mysql.NewConfig()
	config.User = *user
	config.Passwd = token
	config.Net = "tcp"
	config.Addr = fmt.Sprintf("localhost:%d", *port)
	config.DBName = *database
	config.AllowCleartextPasswords = true
	if *useTLS {
		pem, err := os.ReadFile(*ca)
		if err != nil {
			return nil, err
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(pem)
		if err := mysql.RegisterTLSConfig("rds", &tls.Config{RootCAs: roots, ServerName: "localhost"}); err != nil {
			return nil, err
		}
		config.TLSConfig = "rds"
	}
	return sql.Open("mysql", config.FormatDSN())
}
