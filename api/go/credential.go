package patronus

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// CredentialPath is the file that patronusctl takes as well: PATRONUS_CREDENTIAL, else ~/.config/patronus/admin.pem.
func CredentialPath() string {
	if path := os.Getenv("PATRONUS_CREDENTIAL"); path != "" {
		return path
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "admin.pem"
	}
	return filepath.Join(home, ".config", "patronus", "admin.pem")
}

// parseCredential reads one PEM file: the client's certificate, its key, the CA's certificates. The first certificate is
// the client's; the CA in the file is the only one that is trusted.
func parseCredential(text []byte) (*tls.Config, error) {
	var leaf, key []byte
	roots, anchors := x509.NewCertPool(), 0
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		encoded := pem.EncodeToMemory(block)
		switch {
		case block.Type == "CERTIFICATE" && leaf == nil:
			leaf = encoded
		case block.Type == "CERTIFICATE":
			if roots.AppendCertsFromPEM(encoded) {
				anchors++
			}
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			key = encoded
		}
	}
	switch {
	case leaf == nil:
		return nil, errors.New("the credential holds no certificate; use the file that `patronusd init` wrote")
	case key == nil:
		return nil, errors.New("the credential holds no private key; use the file that `patronusd init` wrote")
	case anchors == 0:
		return nil, errors.New("the credential holds no CA certificate after the client's own; use the file that `patronusd init` wrote")
	}
	pair, err := tls.X509KeyPair(leaf, key)
	if err != nil {
		return nil, fmt.Errorf("certificate and key of the credential do not fit together: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: roots, MinVersion: tls.VersionTLS13}, nil
}
