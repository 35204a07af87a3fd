# syntax=docker/dockerfile:1
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=devel
# The parser is C: the program is linked with the C library of the image that it runs in.
RUN CGO_ENABLED=1 go build -trimpath -ldflags "-s -w -X main.release=${VERSION}" -o /segue ./cmd/segue

FROM debian:bookworm-slim
ARG VERSION=devel
LABEL org.opencontainers.image.version="${VERSION}"
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 65532 --no-create-home --shell /usr/sbin/nologin segue
COPY --from=build /segue /usr/local/bin/segue
USER 65532:65532
# Clients connect from other containers; the admin API stays on loopback unless it is given a token.
ENV SEGUE_LISTEN=0.0.0.0:6432
EXPOSE 6432
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 CMD ["segue", "health", "readiness"]
ENTRYPOINT ["segue"]
CMD ["serve"]
