import re,sys
s=open('tests/test_service.py').read()
s=s.replace("from informativa import watchdog; from informativa.sessions","sys.path.insert(0, '/tmp/h/g/.old/agi'); from informativa import service; from informativa.sessions").replace("watchdog.SECOND = 0.05;","service.HANG_SECONDS = 0.5;")
open('tests/test_tmpold.py','w').write(s)
