// Go's httputil.ReverseProxy with a static token: what one writes with the standard library.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"flag"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"sync"
)

// buffers lends the copy buffers that ReverseProxy otherwise allocates for every answer.
type buffers struct{ sync.Pool }

func (b *buffers) Get() []byte  { return *b.Pool.Get().(*[]byte) }
func (b *buffers) Put(p []byte) { b.Pool.Put(&p) }

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "where to listen")
	target := flag.String("target", "", "the service's https:// address")
	caFile := flag.String("ca", "", "certificates to trust")
	pool := flag.Bool("buffer-pool", false, "reuse copy buffers")
	http2 := flag.Bool("http2", false, "speak HTTP/2 on both sides, h2c to the client")
	flag.Parse()

	service, err := url.Parse(*target)
	if err != nil {
		log.Fatal(err)
	}
	pem, err := os.ReadFile(*caFile)
	if err != nil {
		log.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	authorization := "Bearer " + os.Getenv("BENCH_TOKEN")

	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(service)
			r.SetXForwarded()
			r.Out.Header.Set("Authorization", authorization)
		},
		Transport: &http.Transport{
			TLSClientConfig:     &tls.Config{RootCAs: roots},
			MaxIdleConnsPerHost: 2048,
			DisableCompression:  true,
			ForceAttemptHTTP2:   *http2,
		},
	}
	if *pool {
		proxy.BufferPool = &buffers{sync.Pool{New: func() any { p := make([]byte, 32*1024); return &p }}}
	}
	server := &http.Server{Addr: *listen, Handler: proxy, Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(*http2)
	log.Fatal(server.ListenAndServe())
}
