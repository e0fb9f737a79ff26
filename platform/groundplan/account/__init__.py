"""What only the AWS account itself can say, asked before anything is changed; and the way into its private network."""

from groundplan.account.ask import Account, open_account, signed_in
from groundplan.account.quotas import quotas_of
from groundplan.account.refusals import refuse
from groundplan.account.session import TUNNEL, close_tunnel, open_tunnel, tunnel

__all__ = [
    "TUNNEL",
    "Account",
    "close_tunnel",
    "open_account",
    "open_tunnel",
    "quotas_of",
    "refuse",
    "signed_in",
    "tunnel",
]
