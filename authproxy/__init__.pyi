from authproxy import auth as auth
from authproxy.embedding.serving import serve as serve
from authproxy.embedding.subapp import web as web
from authproxy.errors import ConfigError as ConfigError
from authproxy.errors import CredentialError as CredentialError
from authproxy.errors import StartError as StartError

__version__: str
