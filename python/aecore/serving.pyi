"""Networks for compiled callers; the C methods are in `serving.pxd`."""

from aecore.network import Network

class Model:
    """A network whose `encode`, `decode` and `reconstruct` compiled code can call."""

    network: Network
    def __init__(self, network: Network) -> None: ...
