"""Accounts at vendors: settings, health, pausing, budgets, and opening a ready client."""

from ml_connector.connections.accounts import KEEPS_LOGIN, Accounts, SettingsChange
from ml_connector.connections.breaker import Trouble, trouble_of
from ml_connector.connections.budgets import Budget, DatabaseLeases, budgets_of
from ml_connector.connections.callback import LocalCallback, finish_with, local_callback
from ml_connector.connections.consent import Consents, StartedConsent
from ml_connector.connections.counts import CallCounts, calls_of_flow, counts_of, tokens_spent
from ml_connector.connections.health import Health, StateChange
from ml_connector.connections.opening import Connections, OpenConnection
from ml_connector.connections.ping import PingReport, Pings
from ml_connector.connections.rows import (
    ConnectionRow,
    connection_by_id,
    connection_by_name,
    connections_of,
    connections_out_of_service,
    workspace_connection,
)
from ml_connector.connections.splitting import SettingsRefusedError
from ml_connector.connections.states import State

__all__ = [
    "KEEPS_LOGIN",
    "Accounts",
    "Budget",
    "CallCounts",
    "ConnectionRow",
    "Connections",
    "Consents",
    "DatabaseLeases",
    "Health",
    "LocalCallback",
    "OpenConnection",
    "PingReport",
    "Pings",
    "SettingsChange",
    "SettingsRefusedError",
    "StartedConsent",
    "State",
    "StateChange",
    "Trouble",
    "budgets_of",
    "calls_of_flow",
    "connection_by_id",
    "connection_by_name",
    "connections_of",
    "connections_out_of_service",
    "counts_of",
    "finish_with",
    "local_callback",
    "tokens_spent",
    "trouble_of",
    "workspace_connection",
]
