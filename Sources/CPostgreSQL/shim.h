#ifndef OPENVPN_QUOTA_CPOSTGRESQL_SHIM_H
#define OPENVPN_QUOTA_CPOSTGRESQL_SHIM_H

#include <libpq-fe.h>

#endif
